internal import Synchronization

/// Drives one turn: guards its state, performs its actions, hands its events to the readers.
///
/// Inputs come from any thread: the plugin's, the store's, the timer's. Each takes the lock, changes the state, appends events and
/// wakes the readers; the other actions are performed after the lock is released, in order, by one thread at a time. A text delta
/// costs no task, closure or thread switch.
final class TurnRun: Sendable {
    /// What the turn needs to do its work.
    struct Work: Sendable {
        var store: any Store
        /// Holds the generations of plugins that it works with.
        var lineup: Lineup
        var tools: any ToolDispatching
        /// For whom tools are called.
        var caller: ToolCaller
        /// The agent's name for people.
        var title = ""
        /// Of declarative agents.
        var model: ModelResolver.Choice?
        /// Milliseconds of the monotonic clock.
        var deadline: Int64
        /// Events that are true already and come before the agent's.
        var opening: [ChatKit.Event] = []
        /// Where the agent's plugin has a say; nil where it has none.
        var hooks: TurnHooks?
        /// What goes on when the agent hands the conversation over; nil when it cannot.
        var handOver: (@Sendable (String) -> HandOver)?
        /// Whether the turn holds its thread; it works beside the thread's turns otherwise.
        var holdsThread = true
    }

    /// How a turn went, for the log.
    struct Report: Sendable {
        var outcome: Turn.Outcome
        var steps: Int
        var toolCalls: Int
        /// Of models.
        var usage: ModelUsage
        /// What the agent made of the thread, if it changed it.
        var changedRecord: ThreadRecord?
        /// Bytes that are kept of it for clients who come back; 0 when none may.
        var keptBytes: Int
    }

    struct State {
        var turn: Turn
        var actions: [Turn.Action] = []
        /// Whether a thread is performing actions.
        var isPerforming = false
        var readers = TurnReaders()
        var work: Work?
        var agent: (any AgentTurn)?
        var owedCredit = 0
        var model: (any Cancellable)?
        /// The hook that was asked last.
        var hook: (any Cancellable)?
        /// What the hook made of the agent's instructions, once for each agent.
        var instructions: (agent: String, text: String?)?
        var calls: [Int: any Cancellable] = [:]
        var stopped: CancelReason?
        var timer: (token: DeadlineTimer.Token, at: Int64)?
    }

    let id: String
    let threadID: String
    /// Of the request that began it, for the log.
    private let requestID: String
    private let store: any Store
    private let log: Logger
    private let ended: @Sendable (TurnRun, Report) -> Void
    let state: Mutex<State>

    /// - Parameter ended: called once, when the turn is over and its thread free; must not block.
    init(
        _ turn: Turn, requestID: String, store: any Store, log: Logger,
        ended: @escaping @Sendable (TurnRun, Report) -> Void
    ) {
        id = turn.id
        threadID = turn.thread.id
        self.requestID = requestID
        self.store = store
        self.log = log
        self.ended = ended
        state = Mutex(State(turn: turn))
    }

    // MARK: Inputs

    /// Changes the turn, tells readers if they can see more, performs what comes of it.
    func input(_ body: (inout Turn, Turn.Moment) -> Void) {
        let now = Turn.Moment.now()
        let (ready, performs) = state.withLock { state -> (TurnReaders.Calls, Bool) in
            if state.isFarAhead && !state.turn.isOver { state.dropSlowReaders() }
            body(&state.turn, now)
            state.actions += state.turn.takeActions()
            if state.readers.isEmpty && state.isResumable { state.letGo() }
            let ready = state.readers.toTell(
                visible: state.turn.transcript.log.visible, isEnd: state.turn.transcript.log.isFullyVisible)
            guard !state.isPerforming, !state.actions.isEmpty else { return (ready, false) }
            state.isPerforming = true
            return (ready, true)
        }
        ready.call()
        if performs { perform() }
    }

    /// Whether the turn still runs or waits to run.
    var isOver: Bool { state.withLock { $0.turn.isOver } }

    func cancel(_ reason: Turn.Cancellation) { input { turn, now in turn.cancel(reason, now: now) } }

    // MARK: Beginning

    /// Starts the work of a turn that holds its thread.
    func begin(_ work: Work, loop: ModelLoop?) {
        state.withLock { $0.work = work }
        input { turn, now in
            turn.agent = work.caller.agentID
            turn.begin(loop, showing: work.opening, now: now)
        }
    }

    /// Hands the turn to a coded agent.
    func begin(_ work: Work, agent: any AgentProvider, _ request: AgentTurnRequest) {
        state.withLock { $0.work = work }
        input { turn, now in
            if work.holdsThread {
                turn.begin(nil, showing: work.opening, now: now)
            } else {
                turn.beginBeside(now: now)
            }
        }
        hand(request, to: agent)
    }

    private func hand(_ request: AgentTurnRequest, to agent: any AgentProvider) {
        guard !isOver else { return }
        let begun = agent.begin(request, output: AgentEmissions(run: self))
        let (stopped, credit) = state.withLock { state -> (CancelReason?, Int) in
            // Kept no longer than needed: the provider's turn usually holds this run.
            if !state.turn.isOver { state.agent = begun }
            defer { state.owedCredit = 0 }
            return (state.stopped, state.owedCredit)
        }
        if credit > 0 { begun.consumed(credit) }
        if let stopped { begun.cancel(stopped) }
    }

    // MARK: Actions

    /// Performs what is queued until nothing is left. Only one thread is here at a time, so writes are submitted in order.
    private func perform() {
        while true {
            let actions = state.withLock { state -> [Turn.Action] in
                if state.actions.isEmpty { state.isPerforming = false }
                defer { state.actions = [] }
                return state.actions
            }
            if actions.isEmpty { return }
            for action in actions { perform(action) }
        }
    }

    private func perform(_ action: Turn.Action) {
        switch action {
        case .store(let number, let operations):
            store.submit(operations) { [self] result in
                input { turn, now in
                    switch result {
                    case .success: turn.stored(number)
                    case .failure(let error): turn.storeFailed(number, error, now: now)
                    }
                }
            }
        case .release: release(attempt: 1)
        case .checkpoint(let json): store.submit([.checkpointTurn(id: id, json: json)]) { _ in }
        case .askModel(let step, let messages, let tools, let choice): askModel(step, messages, tools, choice)
        case .callTool(let slot, let name, let arguments, let isApproved):
            callTool(slot, name, arguments, isApproved)
        case .asked(let approval): note(approval)
        case .handOver(let agent): handOver(to: agent)
        case .cancelWork(let reason): cancelWork(reason)
        case .wake(let at): wake(at)
        case .credit(let bytes): giveCredit(bytes)
        case .finish(let outcome): finish(outcome)
        }
    }

    func note(_ point: HookPoint, _ failure: ProviderFailure) {
        log.warn(
            "hook failed",
            [
                "point": .string(point.rawValue), "failure": .string(String("\(failure)".prefix(500))),
                "request_id": .string(requestID), "thread_id": .string(threadID),
            ])
    }

    private func note(_ approval: Approval) {
        guard let work = state.withLock({ $0.work }) else { return }
        approval.note("approval asked", by: work.caller.owner, threadID, requestID, log)
    }

    private func handOver(to agent: String) {
        let next = state.withLock { $0.work?.handOver }?(agent) ?? .impossible("it is not foreseen here.")
        log.info(
            "conversation handed over",
            ["request_id": .string(requestID), "thread_id": .string(threadID), "agent": .string(agent)])
        switch next {
        case .declarative(let loop, let work):
            state.withLock { $0.work = work }
            input { turn, now in turn.handedOver(loop, title: work.title, now: now) }
        case .coded(let provider, let request):
            let title = state.withLock { $0.work?.lineup.agent(agent)?.descriptor.title } ?? agent
            input { turn, now in turn.handedOver(title: title, now: now) }
            hand(request, to: provider)
        case .impossible(let why): input { turn, now in turn.handOverFailed(why, now: now) }
        }
    }

    /// Remembers work that can be cancelled; cancels it when the turn was stopped meanwhile.
    func keep(_ change: (inout State) -> Void, orCancel work: () -> any Cancellable) {
        let stopped = state.withLock { state -> CancelReason? in
            if state.stopped == nil { change(&state) }
            return state.stopped
        }
        if let stopped { work().cancel(stopped) }
    }

    private func cancelWork(_ reason: CancelReason) {
        let (agent, others) = state.withLock { state -> ((any AgentTurn)?, [any Cancellable]) in
            state.stopped = reason
            defer {
                state.model = nil
                state.hook = nil
                state.calls = [:]
            }
            return (state.agent, Array(state.calls.values) + [state.model, state.hook].compactMap { $0 })
        }
        agent?.cancel(reason)
        for work in others { work.cancel(reason) }
    }

    private func wake(_ at: Int64) {
        let old = state.withLock { state -> DeadlineTimer.Token? in
            defer { state.timer = nil }
            return state.timer?.token
        }
        if let old { DeadlineTimer.shared.cancel(old) }
        let token = DeadlineTimer.shared.schedule(at: at) { [weak self] in
            self?.input { turn, now in turn.clock(now) }
        }
        state.withLock { $0.timer = (token, at) }
    }

    private func giveCredit(_ bytes: Int) {
        let agent = state.withLock { state -> (any AgentTurn)? in
            if state.agent == nil { state.owedCredit += bytes }
            return state.agent
        }
        agent?.consumed(bytes)
    }

    /// Tries to give the thread free until the store works again.
    private func release(attempt: Int) {
        store.submit([.closeTurn(id: id)]) { [self] result in
            if case .failure(let error) = result, error != .closed, attempt < 60 {
                log.warn(
                    "turn could not be closed",
                    [
                        "request_id": .string(requestID), "thread_id": .string(threadID), "turn_id": .string(id),
                        "error": .string("\(error)"),
                    ])
                _ = DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + 1_000) {
                    self.release(attempt: attempt + 1)
                }
            } else {
                input { turn, _ in turn.released() }
            }
        }
    }

    private func finish(_ outcome: Turn.Outcome) {
        let (timer, report) = state.withLock { state -> (DeadlineTimer.Token?, Report) in
            defer {
                state.timer = nil
                state.agent = nil
                state.model = nil
                state.hook = nil
                state.calls = [:]
                state.work = nil
            }
            return (
                state.timer?.token,
                Report(
                    outcome: outcome, steps: state.turn.steps, toolCalls: state.turn.toolCalls,
                    usage: state.turn.loop?.usage ?? state.turn.usage,
                    changedRecord: state.turn.changesThread ? state.turn.record : nil,
                    keptBytes: outcome == .deleted ? 0 : state.keepForLater())
            )
        }
        if let timer { DeadlineTimer.shared.cancel(timer) }
        ended(self, report)
    }

    /// Performs what was queued outside an input.
    func performQueued() {
        let performs = state.withLock { state in
            guard !state.isPerforming, !state.actions.isEmpty else { return false }
            state.isPerforming = true
            return true
        }
        if performs { perform() }
    }
}

/// A coded agent's way into its turn.
private struct AgentEmissions: AgentOutput {
    let run: TurnRun

    func text(item: UInt32, _ deltas: ChatKit.TextDeltas) {
        run.input { turn, now in turn.agentText(item: item, deltas, now: now) }
    }
    func emit(item: UInt32, kind: String, json: [UInt8]) {
        run.input { turn, now in turn.agentEmitted(item: item, kind: kind, json: json, now: now) }
    }
    func itemDone(_ item: UInt32) {
        run.input { turn, now in turn.agentItemDone(item, now: now) }
    }
    func finish(_ result: Result<Void, ProviderFailure>) {
        run.input { turn, now in turn.agentFinished(result, now: now) }
    }
}
