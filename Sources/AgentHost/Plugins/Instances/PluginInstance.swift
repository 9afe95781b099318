internal import Synchronization

/// One plugin that is loaded: its runtime (which may come and go, if it is a worker), the turns, calls and completions it has not
/// finished, and the host services it uses.
///
/// All functions may be called from any thread; none blocks.
final class PluginInstance: Sendable {
    /// Bytes of a tool's result.
    static let resultLimit = 4 << 20
    /// Credit is sent in portions of this many bytes: far below the runtime's marks, and no message for every delta.
    static let creditPortion = 16_384

    /// Bytes of one event: 1 MiB of JSON and some for its kind.
    static let pieceLimit = (1 << 20) + 256
    /// Bytes a reader may be behind: 4 MiB, and some for what is counted differently.
    static let outstandingLimit = 6 << 20

    /// People whose subject is remembered.
    private static let subjectLimit = 1_024

    let manifest: Manifest
    /// The file it comes from, for sentences.
    let file: String
    let mode: PluginMode
    let log: Logger
    let setup: Setup
    let services: HostServices
    private let factory: any PluginChannelFactory
    private let onNotice: @Sendable (PluginNotice) -> Void
    let deadlines: DeadlineTimer
    /// For the extensions of this type in this folder, nobody else.
    let state: Mutex<State>

    /// What it is loaded with.
    struct Setup: Sendable {
        /// Absolute path of the library.
        var library: String
        /// If it runs in a worker.
        var sandbox: WorkerSandbox
        /// JSON object.
        var config: [UInt8]
        var hostVersion: String
        /// Key of the subjects it sees.
        var secret: [UInt8]
        var timeouts = PluginTimeouts()
        var recovery = PluginRecovery()
        var limits = PluginLimits()
    }

    /// What the lock guards.
    struct State {
        var lifecycle: InstanceLifecycle
        var channel: (any PluginChannel)?
        /// Which runtime `channel` leads to.
        var channelIncarnation = 0
        var offers: PluginEvent.Offers = []
        /// What is registered of it.
        var generation: Generation?
        var lastToken: UInt64 = 0
        var work: [UInt64: Entry] = [:]
        var requests: [UInt64: OpenRequest] = [:]
        /// Messages for a worker that is being loaded again, with the number of its incarnation.
        var held: [(incarnation: Int, message: PluginMessage)] = []
        var lineRate = LineRate()
        var counters = PluginCounters()
        /// Of people who were here of late: an HMAC for every turn would cost more than the rest of its beginning.
        var subjects: [OwnerKey: String] = [:]
        /// A watch over the worker is scheduled.
        var isWatched = false
        /// The worker that was asked for a sign of life and has not given one.
        var unanswered: (any PluginChannel)?
        var onStarted: (@Sendable (String?) -> Void)?
        var onIdle: (@Sendable () -> Void)?
        var onEnded: [@Sendable () -> Void] = []
    }

    /// A turn, call or completion in the table.
    final class Entry: @unchecked Sendable {
        // Unchecked: what is variable is touched with the instance's lock held, or by the one that has removed the entry.
        private let work: any OpenWork
        /// Of the runtime that does it.
        let incarnation: Int
        /// It began on a thread of the blocking pool. Set before its timer is, which asks.
        var isBlocking = false
        var stopReason: CancelReason?
        var timer: DeadlineTimer.Token?
        var requests: Set<UInt64> = []
        /// Those it has made so far.
        var requestsMade: Int64 = 0
        /// Bytes it has said so far.
        var said: Int64 = 0
        /// The limit that has ended it for its client.
        var over: LimitReached?
        /// Counts for the turn it belongs to.
        let meter: WorkMeter
        /// Milliseconds of the monotonic clock.
        let begun = monotonicMilliseconds()
        private let isEnded = Atomic(false)
        /// Bytes the reader has taken and the plugin was not told of.
        let uncredited = Atomic(0)
        /// Bytes the reader has not taken.
        let outstanding = Atomic(0)

        init(_ work: any OpenWork, incarnation: Int) {
            self.work = work
            self.incarnation = incarnation
            meter = work.scope.meter ?? WorkMeter()
        }

        var scope: WorkScope { work.scope }
        var kind: WorkKind { work.kind }

        /// See `OpenWork`.
        func received(_ event: PluginEvent) -> Int { work.received(event) }

        /// Ends it with what the plugin answered, unless it has ended. Answers whether it had not.
        func finished(_ status: Int32, _ result: [UInt8]) -> Bool {
            guard !isEnded.exchange(true, ordering: .acquiringAndReleasing) else { return false }
            work.finished(status, result)
            return true
        }

        /// Ends it without the plugin, unless it has ended. Answers whether it had not.
        func end(_ failure: ProviderFailure) -> Bool {
            guard !isEnded.exchange(true, ordering: .acquiringAndReleasing) else { return false }
            work.end(failure)
            return true
        }
    }

    /// A request of the plugin to a host service.
    struct OpenRequest {
        var scope: UInt64
        var channel: any PluginChannel
        var incarnation: Int
        var running: (any Cancellable)?
    }

    /// - Parameters:
    ///   - isProbe: loaded only to see whether it survives that: a death is final, and of its log lines only errors are kept.
    ///   - onNotice: hears of crashes and quarantines. Called on any thread, never with the instance's lock held, before the turns that
    ///     are affected end; must not block. Notices of two incarnations may come out of order: compare their numbers.
    init(
        _ manifest: Manifest, file: String, setup: Setup, factory: any PluginChannelFactory, services: HostServices,
        deadlines: DeadlineTimer, log: Logger, isProbe: Bool = false,
        onNotice: @escaping @Sendable (PluginNotice) -> Void = { _ in }
    ) {
        self.manifest = manifest
        self.file = file
        self.setup = setup
        self.factory = factory
        self.onNotice = onNotice
        self.services = services
        self.deadlines = deadlines
        let log = log.with(["plugin": .string(manifest.id)])
        self.log = isProbe ? log.errorsOnly : log
        mode = factory.mode
        state = Mutex(
            State(
                lifecycle: InstanceLifecycle(
                    restarts: factory.mode == .worker && !isProbe, recovery: setup.recovery)))
    }

    /// What the loaded library offers.
    var offers: PluginEvent.Offers { state.withLock { $0.offers } }

    /// What is registered of it: nil before that, and after its end.
    var generation: Generation? {
        get { state.withLock { $0.generation } }
        set { state.withLock { $0.generation = newValue } }
    }

    /// The person as this plugin sees them: stable for it, meaningless elsewhere.
    func subject(of owner: OwnerKey) -> String {
        if let known = state.withLock({ $0.subjects[owner] }) { return known }
        let subject = hex(hmacSHA256(key: setup.secret, Array("\(manifest.id)\u{0}\(owner.text)".utf8)))
        state.withLock { state in
            if state.subjects.count >= PluginInstance.subjectLimit { state.subjects = [:] }
            state.subjects[owner] = subject
        }
        return subject
    }

    // MARK: Life

    /// Loads the library and creates the instance. Answers why it was refused, or nil. Once.
    func start() async -> String? {
        await withCheckedContinuation { continuation in
            let actions = state.withLock { state in
                state.onStarted = { continuation.resume(returning: $0) }
                return state.lifecycle.start(now: monotonicMilliseconds())
            }
            perform(actions)
            sampleRegularly()
        }
    }

    /// Lets open work end (for as long as the manifest allows, at most `timeouts.drain`), destroys the instance and ends its
    /// runtime. Returns when that is done or was given up.
    func stop() async {
        let drain = min(manifest.drainSeconds * 1_000, setup.timeouts.drain)
        perform(state.withLock { $0.lifecycle.drain(now: monotonicMilliseconds()) })
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let once = Once { continuation.resume() }
            let isIdle = state.withLock { state in
                state.onIdle = { once.run() }
                return state.work.isEmpty
            }
            if isIdle { return once.run() }
            deadlines.schedule(at: monotonicMilliseconds() + drain) { once.run() }
        }
        perform(state.withLock { $0.lifecycle.destroy() })
        await ended()
    }

    /// In process: takes it out of use because one of its functions does not return (`reason` completes a sentence), or into use
    /// again (nil).
    func setStuck(_ reason: String?) {
        perform(state.withLock { $0.lifecycle.stuck(reason, now: monotonicMilliseconds()) })
    }

    /// Ends it at once.
    func kill() { perform(state.withLock { $0.lifecycle.kill(now: monotonicMilliseconds()) }) }

    /// Returns when the instance has ended.
    func ended() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                if state.lifecycle.phase == .ended { return true }
                state.onEnded.append { continuation.resume() }
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    func perform(_ actions: [InstanceLifecycle.Action]) {
        for action in actions {
            switch action {
            case .open(let incarnation): openChannel(incarnation)
            case .started(let refusal): state.withLock { $0.onStarted.take() }?(refusal)
            case .sendHeld:
                // Only workers hold messages, and their channel only appends: it may be used under the lock, which keeps order.
                state.withLock { state in
                    for held in state.held where held.incarnation == state.lifecycle.incarnation {
                        state.channel?.send(held.message)
                    }
                    state.held = []
                }
            case .reopen(let incarnation, let delay):
                deadlines.schedule(at: monotonicMilliseconds() + delay) {
                    self.perform(
                        self.state.withLock { $0.lifecycle.reopenDue(incarnation, now: monotonicMilliseconds()) })
                }
            case .endWork(let failure, let incarnation):
                endAllWork(self.failure(of: incarnation, failure), upTo: incarnation)
            case .send(.drain): send(.drain)
            case .send(.destroy):
                send(.destroy)
                deadlines.schedule(at: monotonicMilliseconds() + setup.timeouts.destroy) {
                    self.perform(self.state.withLock { $0.lifecycle.destroyTimedOut(now: monotonicMilliseconds()) })
                }
            case .abandon(let incarnation): takeChannel(of: incarnation)?.abandon()
            case .release:
                let (channel, incarnation) = state.withLock { ($0.channel, $0.lifecycle.incarnation) }
                channel?.release {
                    self.perform(
                        self.state.withLock { $0.lifecycle.released(incarnation, now: monotonicMilliseconds()) })
                }
            case .ended:
                let actions = state.withLock { state in
                    state.generation = nil
                    defer { state.onEnded = [] }
                    return state.onEnded
                }
                for action in actions { action() }
            case .notify(let notice): onNotice(notice)
            case .warn(let sentence): log.warn("\(file): \(sentence)")
            case .inform(let sentence): log.info("\(file): \(sentence)")
            }
        }
    }

    private func takeChannel(of incarnation: Int) -> (any PluginChannel)? {
        state.withLock { $0.channelIncarnation == incarnation ? $0.channel.take() : nil }
    }

    private func openChannel(_ incarnation: Int) {
        let channel: any PluginChannel
        do { channel = try factory.open(Incarnation(instance: self, number: incarnation), log: log) } catch {
            let actions = state.withLock {
                $0.lifecycle.couldNotOpen(incarnation, why: error.sentence, now: monotonicMilliseconds())
            }
            return perform(actions)
        }
        let isWanted = state.withLock { state in
            guard state.lifecycle.incarnation == incarnation, case .loading = state.lifecycle.phase else {
                return false
            }
            state.channel = channel
            state.channelIncarnation = incarnation
            state.counters.beganRuntime(now: monotonicMilliseconds())
            return true
        }
        guard isWanted else { return channel.abandon() }
        channel.send(PluginCommand.logLevel(log.level).message)
        for limit in PluginLimit.allCases {
            if let id = limit.runtimeID { channel.send(PluginCommand.limit(id: id, limits[limit]).message) }
        }
        channel.send(
            PluginCommand.load(
                library: setup.library, id: manifest.id, version: manifest.version, config: setup.config,
                host: setup.hostVersion, granted: services.granted(to: manifest), isSerial: manifest.isSerial
            ).message)
        let timeout = setup.timeouts.create
        deadlines.schedule(at: monotonicMilliseconds() + timeout) {
            let actions = self.state.withLock {
                $0.lifecycle.loadTimedOut(incarnation, after: timeout, now: monotonicMilliseconds())
            }
            self.perform(actions)
        }
    }

    /// Sends over the present channel, or holds back while a worker is being loaded again.
    func send(_ command: PluginCommand) { send(command.message) }

    /// - Parameter incarnation: the runtime it is meant for; nil: whichever there is.
    func send(_ message: PluginMessage, to incarnation: Int? = nil) {
        let channel = state.withLock { state -> (any PluginChannel)? in
            guard incarnation == nil || incarnation == state.lifecycle.incarnation else { return nil }
            guard state.lifecycle.holdsMessages else { return state.channel }
            state.held.append((state.lifecycle.incarnation, message))
            return nil
        }
        channel?.send(message)
    }
}
