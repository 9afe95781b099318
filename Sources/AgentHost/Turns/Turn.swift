/// One turn: what a person said, what an agent does about it, and the events that come of it.
///
/// A pure state machine: each input is a `mutating` function, what is to be done about it is collected for the driver
/// (`takeActions`), and events go into the log. No I/O, clock or lock inside; times come with the inputs, ids from a source that is
/// handed in. Inputs that come too late (after the end, for a step or call that is over) are ignored.
struct Turn: Sendable {
    /// A point in time on both clocks.
    struct Moment: Sendable, Hashable {
        /// Of the monotonic clock: for deadlines and durations.
        var milliseconds: Int64
        /// For `created_at`.
        var wall: Timestamp

        static func now() -> Moment { Moment(milliseconds: monotonicMilliseconds(), wall: .now()) }
    }

    /// What the driver has to do, in this order.
    enum Action: Sendable {
        /// Submit the batch; answer with `stored` or `storeFailed` and its number.
        case store(write: Int, [StoreOperation])
        /// Give the turn back although the write that should have done it failed; answer with `released`.
        case release
        /// Keep partial text for a restart.
        case checkpoint([UInt8])
        /// Ask the model; answer with `modelSaid` and `modelEnded` for this step.
        case askModel(step: Int, messages: [JSON], tools: [JSON], toolChoice: JSON?)
        /// Call the tool; answer with `toolProgressed` and `toolEnded` for this slot.
        case callTool(slot: Int, name: String, arguments: JSON, isApproved: Bool)
        /// The person is asked for these calls: for the log.
        case asked(Approval)
        /// Find the agent; answer with `handedOver` or `handOverFailed`.
        case handOver(to: String)
        /// Stop the model, the tools, the agent.
        case cancelWork(CancelReason)
        /// Call `clock` at that time (milliseconds of the monotonic clock), unless an earlier call is due.
        case wake(at: Int64)
        /// The agent gets that many bytes of credit back.
        case credit(Int)
        /// The turn is over and the thread free.
        case finish(Outcome)
    }

    enum Outcome: Sendable, Hashable {
        case completed
        /// `detail` is for the log.
        case failed(code: TurnErrorCode, detail: String)
        /// The last reader left, or the person stopped it.
        case cancelled
        /// A newer message took its place.
        case interrupted
        /// The thread was deleted.
        case deleted
    }

    enum Cancellation: Sendable, Hashable {
        case readerLeft, threadDeleted, shutdown
        /// The person stopped it, and somebody still reads.
        case stopped
        /// A newer message takes its place (`TurnPolicy.interrupt`).
        case interrupted
    }

    private enum Phase: Sendable { case waiting, running, ended }

    let id: String
    /// Id of the agent that answers.
    var agent = ""
    let configuration: TurnConfiguration
    var transcript: Transcript
    /// The thread as clients see it, and what is kept of it.
    var thread: ChatKit.Thread
    var record: ThreadRecord
    var actions: [Action] = []
    /// Of declarative agents.
    var loop: ModelLoop?
    /// Of coded agents: items by the agent's numbers.
    var agentItems: [UInt32: AgentItem] = [:]
    /// Calls made so far.
    var toolCalls = 0
    /// How often another agent has taken over.
    var handOvers = 0
    /// What completions cost before a coded agent took over.
    var usage = ModelUsage()
    /// Whether the agent has changed the thread.
    private(set) var changesThread = false

    private var phase = Phase.waiting
    private var holdsLease = false
    private var outcome: Outcome?
    /// The write that gives the thread free.
    private var closingWrite: Int?
    private var deadline = Int64.max
    private var lastActivity: Int64 = 0
    private var plannedWake = Int64.max
    private var checkpointAt: Int64?
    /// Number of the event that says how the turn failed.
    private var errorNumber: Int?

    init(
        id: String, thread: ChatKit.Thread, record: ThreadRecord, owner: OwnerKey, configuration: TurnConfiguration,
        makeID: @escaping @Sendable (String) -> String
    ) {
        self.id = id
        self.thread = thread
        self.record = record
        self.configuration = configuration
        transcript = Transcript(threadID: thread.id, owner: owner, makeID: makeID)
    }

    var isRunning: Bool { phase == .running }
    var isOver: Bool { phase == .ended }
    var steps: Int { loop?.step ?? 0 }

    /// What is to be done since the last call.
    mutating func takeActions() -> [Action] {
        guard !actions.isEmpty else { return [] }
        defer { actions = [] }
        return actions
    }

    // MARK: Beginning

    /// Shows what is stored already: the new thread, the person's message.
    mutating func open(_ events: [ChatKit.Event]) {
        for event in events { transcript.append(event) }
    }

    /// The turn holds its thread and work begins.
    ///
    /// - Parameters:
    ///   - loop: for declarative agents; nil when an agent of code answers.
    ///   - events: what is true already and shown before anything of the agent.
    mutating func begin(_ loop: ModelLoop?, showing events: [ChatKit.Event] = [], now: Moment) {
        guard phase == .waiting else { return leaseCameLate() }
        phase = .running
        holdsLease = true
        deadline = now.milliseconds + configuration.totalLimit
        self.loop = loop
        transcript.append(.streamOptions(allowCancel: true))
        for event in events { transcript.append(event) }
        input(now) { turn in
            guard let loop else { return }
            if let answered = loop.answered {
                turn.resume(answered.approval, tools: answered.tools, now)
            } else {
                turn.nextStep(now)
            }
        }
    }

    /// Work begins beside the turns of the thread, without holding it: for what may be asked while one of them runs.
    mutating func beginBeside(now: Moment) {
        guard phase == .waiting else { return }
        phase = .running
        deadline = now.milliseconds + configuration.totalLimit
        input(now) { _ in }
    }

    /// The turn cannot begin.
    ///
    /// - Parameter holdsLease: whether the thread was taken for it.
    mutating func refuse(code: TurnErrorCode, message: String, holdsLease: Bool, now: Moment) {
        guard phase == .waiting else { return holdsLease ? leaseCameLate() : () }
        phase = .running
        self.holdsLease = holdsLease
        input(now) { $0.fail(code: code, message: message, allowRetry: true, detail: message, now: now) }
    }

    /// The thread was taken for a turn that ended while it waited: it is given free again.
    private mutating func leaseCameLate() {
        guard phase == .ended, !holdsLease else { return }
        holdsLease = true
        actions.append(.release)
    }

    /// Runs one input while the turn runs, then sees to the write and the timer.
    mutating func input(_ now: Moment, _ body: (inout Turn) -> Void) {
        guard phase == .running else { return }
        lastActivity = now.milliseconds
        body(&self)
        settle()
    }

    private mutating func settle() {
        if let write = transcript.takeWrite() { actions.append(.store(write: write.number, write.operations)) }
        if phase == .running { planWake() }
    }

    // MARK: Time

    private mutating func planWake() {
        var at = deadline
        // Tools have deadlines of their own.
        if loop?.isCalling != true { at = min(at, lastActivity + configuration.idleLimit) }
        if let checkpointAt { at = min(at, checkpointAt) }
        guard at < plannedWake else { return }
        plannedWake = at
        actions.append(.wake(at: at))
    }

    /// Partial text was shown: keep it soon.
    mutating func planCheckpoint(_ now: Moment) {
        if checkpointAt == nil { checkpointAt = now.milliseconds + configuration.checkpointInterval }
    }

    /// The time that a `wake` asked for has come.
    mutating func clock(_ now: Moment) {
        guard phase == .running else { return }
        plannedWake = .max
        if let due = checkpointAt, due <= now.milliseconds {
            checkpointAt = nil
            if let checkpoint = transcript.checkpoint { actions.append(.checkpoint(checkpoint)) }
        }
        if now.milliseconds >= deadline {
            fail(
                code: .turnTimeout,
                message: "The answer took longer than \(configuration.totalLimit / 1_000) seconds and was stopped; "
                    + "ask for less at once.", allowRetry: true, detail: "total limit", now: now)
        } else if loop?.isCalling != true && now.milliseconds >= lastActivity + configuration.idleLimit {
            fail(
                code: .turnTimeout, message: "The agent said nothing for too long and was stopped; try again.",
                allowRetry: true, detail: "idle limit", now: now)
        }
        settle()
    }

    // MARK: Ends

    /// Everything was said.
    mutating func complete() {
        transcript.endAll()
        end(.completed)
    }

    /// Ends with an error event; what was shown is kept.
    mutating func fail(code: TurnErrorCode, message: String, allowRetry: Bool, detail: String, now: Moment) {
        fail(
            showing: .error(code: code.rawValue, message: message, allowRetry: allowRetry), as: code, detail: detail,
            now: now)
    }

    /// The same with an error event of the agent's own making.
    mutating func fail(showing error: ChatKit.Event, as code: TurnErrorCode, detail: String, now: Moment) {
        closeWorkflow(now)
        transcript.endAll()
        errorNumber = transcript.log.appended
        transcript.append(error)
        actions.append(.cancelWork(.cancelled))
        end(.failed(code: code, detail: detail))
    }

    /// The page of the client has to do something: shows the call, then the turn ends. The answer comes in a turn of its own.
    ///
    /// - Parameter approval: the key under which the person was asked for it before.
    mutating func callClient(_ call: ChatKit.ClientToolCall, approval: String? = nil, now: Moment) {
        closeWorkflow(now)
        transcript.endAll()
        transcript.put(
            .clientToolCall(call), at: now.wall,
            hostJSON: approval.map { ["calls": [["approval": .string($0)]]] })
        actions.append(.cancelWork(.cancelled))
        end(.completed)
    }

    /// Nobody wants the turn any more, or it has to make way.
    mutating func cancel(_ reason: Cancellation, now: Moment) {
        guard phase != .ended else { return }
        switch reason {
        case .shutdown:
            fail(
                code: .shuttingDown, message: "The server is shutting down; try again in a moment.", allowRetry: true,
                detail: "shutdown", now: now)
        case .threadDeleted:
            transcript.discard()
            actions.append(.cancelWork(.cancelled))
            end(.deleted)
        case .readerLeft:
            let calls = loop?.openCalls
            transcript.abandon()
            if phase == .running {
                // What runs beside the thread's turns is no answer.
                if holdsLease {
                    transcript.hide(.sdkHiddenContext(Turn.stoppedNote), at: now.wall, hostJSON: calls)
                }
                actions.append(.cancelWork(.cancelled))
            }
            end(.cancelled)
        case .interrupted: complete(as: .interrupted, noting: Turn.supersededNote, now)
        case .stopped: complete(as: .cancelled, noting: Turn.stoppedNote, now)
        }
        settle()
    }

    /// Unlike one who left, readers are still there: what was shown is completed.
    private mutating func complete(as outcome: Outcome, noting note: String, _ now: Moment) {
        if phase == .running {
            closeWorkflow(now)
            transcript.endAll()
            transcript.hide(.sdkHiddenContext(note), at: now.wall)
            actions.append(.cancelWork(.cancelled))
        }
        end(outcome)
    }

    /// After the end: lets go of everything but the events.
    mutating func forgetWork() {
        loop = nil
        agentItems = [:]
    }

    /// Tells the model of the next turn what happened.
    static let stoppedNote = "The user stopped the assistant's answer before it was complete."
    static let supersededNote =
        "The assistant's answer was stopped before it was complete because the user sent something else."
    static let interruptedNote =
        "The assistant's answer was interrupted by a restart of the server before it was complete."

    private mutating func end(_ outcome: Outcome) {
        phase = .ended
        self.outcome = outcome
        transcript.announceThread()
        transcript.log.complete()
        if holdsLease { transcript.also(.closeTurn(id: id)) }
        if transcript.operations.isEmpty {
            actions.append(.finish(outcome))
        } else {
            closingWrite = transcript.write
        }
    }

    // MARK: The store's answers

    /// The write is durable: events that waited for it are visible.
    mutating func stored(_ write: Int) {
        transcript.stored(write)
        if write == closingWrite, let outcome { actions.append(.finish(outcome)) }
    }

    /// The write was not made: nothing that depends on it is ever shown.
    mutating func storeFailed(_ write: Int, _ error: StoreError, now: Moment) {
        transcript.log.dropHeld(by: write)
        let detail = "\(error)"
        if phase == .running {
            transcript.discard()
            errorNumber = transcript.log.appended
            transcript.append(Turn.storageError)
            actions.append(.cancelWork(.cancelled))
            end(.failed(code: .storageError, detail: detail))
            settle()
        } else if outcome != .deleted {
            if !transcript.log.isComplete {
                // A client is told of one error: the one it has, unless that one was taken away too.
                let isTold = errorNumber.map { $0 < transcript.log.appended } ?? false
                if !isTold { transcript.append(Turn.storageError) }
                transcript.log.complete()
            }
            outcome = .failed(code: .storageError, detail: detail)
        }
        if write == closingWrite { actions.append(.release) }
    }

    private static let storageError = ChatKit.Event.error(
        code: TurnErrorCode.storageError.rawValue, message: "The answer could not be stored; try again in a moment.",
        allowRetry: true)

    /// The thread is free after all.
    mutating func released() {
        if let outcome { actions.append(.finish(outcome)) }
    }

    // MARK: The thread

    /// The person has renamed the thread meanwhile.
    mutating func renamed(_ title: String) {
        thread.title = title
        record.title = title
    }

    /// The agent has changed the thread.
    mutating func changeThread(_ change: (inout ThreadRecord) -> Void) {
        change(&record)
        changesThread = true
        thread.adopt(record)
        transcript.change(thread, json: record.encoded)
    }

    /// A turn beside this one has changed the thread.
    mutating func adopt(_ record: ThreadRecord) {
        self.record = record
        thread.adopt(record)
    }
}

/// An item of a coded agent.
enum AgentItem: Sendable, Hashable {
    case open(Transcript.Handle)
    case done(id: String, createdAt: Timestamp)
}
