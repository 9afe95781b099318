private import Synchronization

/// Drives one turn: guards its state, performs its actions, hands its events to the reader.
///
/// Inputs come from any thread: the plugin's, the store's, the timer's. Each takes the lock, changes the state, appends events and
/// wakes the reader; the other actions are performed after the lock is released, in order, by one thread at a time. A text delta
/// costs no task, closure or thread switch.
final class TurnRun: Sendable {
    /// What the turn needs to do its work.
    struct Work: Sendable {
        var store: any Store
        var tools: any ToolDispatching
        /// For whom tools are called.
        var caller: ToolCaller
        /// Of declarative agents.
        var model: ModelResolver.Choice?
        /// Milliseconds of the monotonic clock.
        var deadline: Int64
        /// Events that are true already and come before the agent's.
        var opening: [ChatKit.Event] = []
        /// Whether the turn holds its thread; it works beside the thread's turns otherwise.
        var holdsThread = true
    }

    /// How a turn went, for the log.
    struct Report: Sendable {
        var outcome: Turn.Outcome
        var steps: Int
        var toolCalls: Int
        /// What the agent made of the thread, if it changed it.
        var changedRecord: ThreadRecord?
    }

    private struct State {
        var turn: Turn
        var actions: [Turn.Action] = []
        /// Whether a thread is performing actions.
        var isPerforming = false
        var ready: (@Sendable () -> Void)?
        /// The reader found nothing and is to be told when there is something.
        var isReaderWaiting = false
        var readerPosition = 0
        var hasReader = true
        var work: Work?
        var agent: (any AgentTurn)?
        var owedCredit = 0
        var model: (any Cancellable)?
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
    private let state: Mutex<State>

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

    /// Changes the turn, tells the reader if it can see more, performs what comes of it.
    func input(_ body: (inout Turn, Turn.Moment) -> Void) {
        let now = Turn.Moment.now()
        let (ready, performs) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
            body(&state.turn, now)
            state.actions += state.turn.takeActions()
            let ready = TurnRun.readerToTell(&state)
            guard !state.isPerforming, !state.actions.isEmpty else { return (ready, false) }
            state.isPerforming = true
            return (ready, true)
        }
        ready?()
        if performs { perform() }
    }

    /// Whether the turn still runs or waits to run.
    var isOver: Bool { state.withLock { $0.turn.isOver } }

    // MARK: The reader

    /// What the waiting reader wants called, when there is something for it now.
    private static func readerToTell(_ state: inout State) -> (@Sendable () -> Void)? {
        guard state.isReaderWaiting else { return nil }
        guard
            state.turn.transcript.log.visible > state.readerPosition || state.turn.transcript.log.isFullyVisible
        else { return nil }
        state.isReaderWaiting = false
        return state.ready
    }

    /// See `ChatEventSource`.
    func onReady(_ ready: @escaping @Sendable () -> Void) { state.withLock { $0.ready = ready } }

    /// The events the reader has not seen; what an agent spent on them is given back.
    func take(limit: Int) -> Taken {
        let (taken, credit, agent) = state.withLock { state -> (Taken, Int, (any AgentTurn)?) in
            guard state.hasReader else { return (.end, 0, nil) }
            guard state.turn.transcript.log.visible > state.readerPosition else {
                if state.turn.transcript.log.isFullyVisible { return (.end, 0, nil) }
                state.isReaderWaiting = true
                return (.nothing, 0, nil)
            }
            let events = state.turn.transcript.log.read(from: state.readerPosition, limit: limit)
            state.readerPosition += events.count
            let credit = state.turn.transcript.log.trim(below: state.readerPosition)
            if state.agent == nil { state.owedCredit += credit }
            return (.events(events), credit, state.agent)
        }
        if credit > 0 { agent?.consumed(credit) }
        return taken
    }

    /// The reader leaves: the turn is cancelled, as nobody else reads.
    func leave() {
        let (isFirst, ready) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
            defer {
                state.hasReader = false
                state.isReaderWaiting = false
                state.ready = nil
            }
            return (state.hasReader, state.isReaderWaiting ? state.ready : nil)
        }
        ready?()
        if isFirst { cancel(.readerLeft) }
    }

    func cancel(_ reason: Turn.Cancellation) { input { turn, now in turn.cancel(reason, now: now) } }

    // MARK: Beginning

    /// Starts the work of a turn that holds its thread.
    func begin(_ work: Work, loop: ModelLoop?) {
        state.withLock { $0.work = work }
        input { turn, now in turn.begin(loop, showing: work.opening, now: now) }
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
        case .callTool(let slot, let name, let arguments): callTool(slot, name, arguments)
        case .cancelWork(let reason): cancelWork(reason)
        case .wake(let at): wake(at)
        case .credit(let bytes): giveCredit(bytes)
        case .finish(let outcome): finish(outcome)
        }
    }

    private func askModel(_ step: Int, _ messages: [JSON], _ tools: [JSON], _ choice: JSON?) {
        guard let work = state.withLock({ $0.work }), let model = work.model else { return }
        let request = ModelRequest(
            model: model.model, messages: messages, tools: tools, toolChoice: choice, deadline: work.deadline)
        let asked = model.provider.complete(
            request,
            delta: { [self] delta in input { turn, now in turn.modelSaid(delta, step: step, now: now) } },
            completion: { [self] result in input { turn, now in turn.modelEnded(result, step: step, now: now) } })
        keep {
            $0.model = asked
        } orCancel: {
            asked
        }
    }

    private func callTool(_ slot: Int, _ name: String, _ arguments: JSON) {
        guard let work = state.withLock({ $0.work }) else { return }
        let call = work.tools.dispatch(
            tool: name, arguments: arguments, caller: work.caller, deadline: work.deadline,
            progress: { [self] json in input { turn, now in turn.toolProgressed(json, slot: slot, now: now) } },
            completion: { [self] outcome in
                input { turn, now in turn.toolEnded(outcome, slot: slot, now: now) }
                state.withLock { $0.calls[slot] = nil }
            })
        keep {
            // A call that ended before its handle was here leaves the handle behind until the turn ends: harmless.
            $0.calls[slot] = call
        } orCancel: {
            call
        }
    }

    /// Remembers work that can be cancelled; cancels it when the turn was stopped meanwhile.
    private func keep(_ change: (inout State) -> Void, orCancel work: () -> any Cancellable) {
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
                state.calls = [:]
            }
            return (state.agent, Array(state.calls.values) + (state.model.map { [$0] } ?? []))
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
                state.calls = [:]
                state.work = nil
            }
            return (
                state.timer?.token,
                Report(
                    outcome: outcome, steps: state.turn.steps, toolCalls: state.turn.toolCalls,
                    changedRecord: state.turn.changesThread ? state.turn.record : nil)
            )
        }
        if let timer { DeadlineTimer.shared.cancel(timer) }
        ended(self, report)
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
