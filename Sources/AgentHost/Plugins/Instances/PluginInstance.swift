private import Synchronization

/// One plugin that is loaded: its runtime (which may come and go, if it is a worker), the turns, calls and completions it has not
/// finished, and the host services it uses.
///
/// All functions may be called from any thread; none blocks.
final class PluginInstance: Sendable {
    /// Most turns, calls and completions that are open at once (abi.md 4.7).
    static let workLimit = 10_000
    /// Bytes of a tool's result.
    static let resultLimit = 4 << 20
    /// Credit is sent in portions of this many bytes: far below the runtime's marks, and no message for every delta.
    static let creditPortion = 16_384

    /// Bytes of one event: 1 MiB of JSON and some for its kind.
    static let pieceLimit = (1 << 20) + 256
    /// Bytes a reader may be behind: 4 MiB, and some for what is counted differently.
    static let outstandingLimit = 6 << 20

    let manifest: Manifest
    /// The file it comes from, for sentences.
    let file: String
    let mode: PluginMode
    let log: Logger
    let setup: Setup
    let services: HostServices
    private let factory: any PluginChannelFactory
    private let deadlines: Deadlines
    private let state: Mutex<State>

    /// What it is loaded with.
    struct Setup: Sendable {
        /// Absolute path of the library.
        var library: String
        /// JSON object.
        var config: [UInt8]
        var hostVersion: String
        /// Key of the subjects it sees.
        var secret: [UInt8]
        var timeouts = PluginTimeouts()
    }

    private struct State {
        var lifecycle: InstanceLifecycle
        var channel: (any PluginChannel)?
        var offers: PluginEvent.Offers = []
        var lastToken: UInt64 = 0
        var work: [UInt64: Entry] = [:]
        var requests: [UInt64: OpenRequest] = [:]
        /// Messages for a worker that is being loaded again.
        var held: [PluginMessage] = []
        var lineRate = LineRate()
        var onStarted: (@Sendable (String?) -> Void)?
        var onIdle: (@Sendable () -> Void)?
        var onEnded: [@Sendable () -> Void] = []
    }

    private struct Entry {
        var work: any OpenWork
        var stopReason: CancelReason?
        var timer: UInt64 = 0
        var requests: Set<UInt64> = []
        /// Bytes the reader has taken and the plugin was not told of.
        var uncredited = 0
        /// Bytes the reader has not taken.
        var outstanding = 0
    }

    /// A request of the plugin to a host service.
    private struct OpenRequest {
        var scope: UInt64
        var channel: any PluginChannel
        var running: (any Cancellable)?
    }

    /// - Parameter isProbe: loaded only to see whether it survives that: a death is final and its log lines are dropped.
    init(
        _ manifest: Manifest, file: String, setup: Setup, factory: any PluginChannelFactory, services: HostServices,
        deadlines: Deadlines, log: Logger, isProbe: Bool = false
    ) {
        self.manifest = manifest
        self.file = file
        self.setup = setup
        self.factory = factory
        self.services = services
        self.deadlines = deadlines
        self.log = isProbe ? .silent : log.with(["plugin": .string(manifest.id)])
        mode = factory.mode
        state = Mutex(State(lifecycle: InstanceLifecycle(restarts: factory.mode == .worker && !isProbe)))
    }

    /// What the loaded library offers.
    var offers: PluginEvent.Offers { state.withLock { $0.offers } }

    /// The person as this plugin sees them: stable for it, meaningless elsewhere.
    func subject(of owner: OwnerKey) -> String {
        hex(hmacSHA256(key: setup.secret, Array("\(manifest.id)\u{0}\(owner.text)".utf8)))
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
        }
    }

    /// Lets open work end (for as long as the manifest allows, at most `timeouts.drain`), destroys the instance and ends its
    /// runtime. Returns when that is done or was given up.
    func stop() async {
        let drain = min(manifest.drainSeconds * 1_000, setup.timeouts.drain)
        perform(state.withLock { $0.lifecycle.drain() })
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

    /// Ends it at once.
    func kill() { perform(state.withLock { $0.lifecycle.kill() }) }

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

    private func perform(_ actions: [InstanceLifecycle.Action]) {
        for action in actions {
            switch action {
            case .open(let incarnation): openChannel(incarnation)
            case .started(let refusal): state.withLock { $0.onStarted.take() }?(refusal)
            case .sendHeld:
                // Only workers hold messages, and their channel only appends: it may be used under the lock, which keeps order.
                state.withLock { state in
                    for message in state.held { state.channel?.send(message) }
                    state.held = []
                }
            case .reopen(let incarnation, let delay):
                deadlines.schedule(at: monotonicMilliseconds() + delay) {
                    self.perform(
                        self.state.withLock { $0.lifecycle.reopenDue(incarnation, now: monotonicMilliseconds()) })
                }
            case .endWork(let failure): endAllWork(failure)
            case .send(.drain): send(.drain)
            case .send(.destroy):
                send(.destroy)
                deadlines.schedule(at: monotonicMilliseconds() + setup.timeouts.destroy) {
                    self.perform(self.state.withLock { $0.lifecycle.destroyTimedOut() })
                }
            case .abandon: takeChannel()?.abandon()
            case .release:
                let (channel, incarnation) = state.withLock { ($0.channel, $0.lifecycle.incarnation) }
                channel?.release { self.perform(self.state.withLock { $0.lifecycle.released(incarnation) }) }
            case .ended:
                for action in state.withLock({ state in
                    defer { state.onEnded = [] }
                    return state.onEnded
                }) { action() }
            case .warn(let sentence): log.warn("\(file): \(sentence)")
            }
        }
    }

    private func takeChannel() -> (any PluginChannel)? { state.withLock { $0.channel.take() } }

    private func openChannel(_ incarnation: Int) {
        let channel: any PluginChannel
        do { channel = try factory.open(Incarnation(instance: self, number: incarnation), log: log) } catch {
            let actions = state.withLock {
                $0.lifecycle.died(incarnation, how: error.sentence, now: monotonicMilliseconds())
            }
            return perform(actions)
        }
        let isWanted = state.withLock { state in
            guard state.lifecycle.incarnation == incarnation, case .loading = state.lifecycle.phase else {
                return false
            }
            state.channel = channel
            return true
        }
        guard isWanted else { return channel.abandon() }
        channel.send(PluginCommand.logLevel(log.level).message)
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
    private func send(_ command: PluginCommand) { send(command.message) }

    private func send(_ message: PluginMessage) {
        let channel = state.withLock { state -> (any PluginChannel)? in
            guard state.lifecycle.holdsMessages else { return state.channel }
            state.held.append(message)
            return nil
        }
        channel?.send(message)
    }

    // MARK: Work

    /// Begins a turn, call or completion; refusals are reported through the work itself.
    func open(_ work: any OpenWork, _ command: (UInt64) -> PluginCommand) -> OpenWorkHandle {
        let token: Result<UInt64, ProviderFailure> = state.withLock { state in
            guard state.lifecycle.acceptsWork else { return .failure(.unavailable) }
            guard state.work.count < PluginInstance.workLimit else { return .failure(.limit) }
            state.lastToken += 1
            state.work[state.lastToken] = Entry(work: work)
            return .success(state.lastToken)
        }
        guard case .success(let token) = token else {
            if case .failure(let failure) = token { work.end(failure) }
            return OpenWorkHandle(instance: self, token: 0)
        }
        let message = command(token).message
        if message.size > PluginMessage.limit {
            if removeWork(token) != nil { work.end(.limit) }
        } else {
            setTimer(token, at: work.scope.deadline) { self.stop(token, .deadline) }
            send(message)
        }
        return OpenWorkHandle(instance: self, token: token)
    }

    /// Sets the one timer of a work; 0 means none.
    private func setTimer(_ token: UInt64, at time: Int64, _ action: @escaping @Sendable () -> Void) {
        guard time > 0 else { return }
        let timer = deadlines.schedule(at: time, action)
        let outdated = state.withLock { state in
            let old = state.work[token]?.timer
            state.work[token]?.timer = timer
            return old ?? timer
        }
        if outdated != 0 { deadlines.cancel(outdated) }
    }

    /// Tells the plugin to finish; when it has not after the grace, the work ends without it.
    func stop(_ token: UInt64, _ reason: CancelReason) {
        let isNews = state.withLock { state in
            guard let entry = state.work[token], entry.stopReason == nil else { return false }
            state.work[token]?.stopReason = reason
            return true
        }
        guard isNews else { return }
        send(.cancel(token: token, reason))
        setTimer(token, at: monotonicMilliseconds() + setup.timeouts.grace) { self.revoke(token) }
    }

    private func revoke(_ token: UInt64) {
        guard let entry = removeWork(token) else { return }
        send(.revoke(token: token))
        log.warn("\(file): it did not finish in time after it was told to stop")
        entry.work.end(ProviderFailure(entry.stopReason ?? .cancelled))
    }

    /// The reader of a turn has taken `bytes` more bytes.
    func consumed(_ token: UInt64, _ bytes: Int) {
        let portion = state.withLock { state -> Int in
            guard bytes > 0, let sum = state.work[token]?.uncredited else { return 0 }
            state.work[token]?.outstanding -= bytes
            let isEnough = sum + bytes >= PluginInstance.creditPortion
            state.work[token]?.uncredited = isEnough ? 0 : sum + bytes
            return isEnough ? sum + bytes : 0
        }
        if portion > 0 { send(.credit(token: token, bytes: Int64(portion))) }
    }

    /// Takes a work out of the table, with its timer and requests: from here on nobody else ends it.
    private func removeWork(_ token: UInt64) -> Entry? {
        let (entry, running, onIdle) = state.withLock { state in
            let entry = state.work.removeValue(forKey: token)
            let running = (entry?.requests ?? []).compactMap { state.requests.removeValue(forKey: $0)?.running }
            return (entry, running, state.work.isEmpty ? state.onIdle.take() : nil)
        }
        for request in running { request.cancel(.cancelled) }
        if let timer = entry?.timer, timer != 0 { deadlines.cancel(timer) }
        onIdle?()
        return entry
    }

    private func endAllWork(_ failure: ProviderFailure) {
        let (tokens, running) = state.withLock { state in
            state.held = []
            defer { state.requests = [:] }
            return (Array(state.work.keys), state.requests.values.compactMap(\.running))
        }
        for request in running { request.cancel(.cancelled) }
        for token in tokens { removeWork(token)?.work.end(failure) }
    }

    // MARK: Events

    /// News of the runtime with that incarnation number.
    fileprivate func received(_ event: PluginEvent, _ channel: any PluginChannel, incarnation: Int) {
        switch event {
        case .loaded(let status, let offers, let sentence):
            let refusal = status < 0 ? (sentence.isEmpty ? "its runtime answered status \(status)" : sentence) : nil
            let actions = state.withLock { state in
                let actions = state.lifecycle.loaded(incarnation, refusal: refusal, now: monotonicMilliseconds())
                if !actions.isEmpty { state.offers = offers }
                return actions
            }
            perform(actions)
        case .turnText(let token, _, _), .turnEmit(let token, _, _, _), .turnItemDone(let token, _),
            .callProgress(let token, _):
            guard let work = account(event, token) else { return }
            consumed(token, work.received(event))
        case .turnFinish(let token, let status, let message): finish(token, status, Array(message.utf8))
        case .callFinish(let token, let status, let result): finish(token, status, result)
        case .serviceRequest(let request): begin(request, channel)
        case .serviceCancel(let token): endRequest(token)?.cancel(.cancelled)
        case .destroyed: perform(state.withLock { $0.lifecycle.destroyed(incarnation) })
        case .log(let level, let message, let fields) where mayLog():
            let fields = (try? JSON.parse(fields, maximumDepth: 8)) ?? .null
            log.write(level, String(message.prefix(8_192)), ["fields": fields])
        case .stall(_, let milliseconds) where mayLog():
            log.warn("\(file): a [turn] function took \(milliseconds) ms; it must not block")
        case .misbehaved(_, let sentence) where mayLog():
            log.warn("\(file): it broke the contract: \(sentence.prefix(1_024))")
        case .configDone, .log, .stall, .misbehaved: break
        }
    }

    private func mayLog() -> Bool { state.withLock { $0.lineRate.allows(at: monotonicMilliseconds()) } }

    /// Takes note of what an event adds to what the reader has not taken yet. Answers the work it is for; nil when there is none, or
    /// when the limits are passed. The runtime keeps them, so that is a hostile worker: it is killed.
    private func account(_ event: PluginEvent, _ token: UInt64) -> (any OpenWork)? {
        let size = event.payloadSize
        let (work, isBreach) = state.withLock { state -> ((any OpenWork)?, Bool) in
            guard let outstanding = state.work[token]?.outstanding else { return (nil, false) }
            guard size <= PluginInstance.pieceLimit, outstanding + size <= PluginInstance.outstandingLimit else {
                return (nil, true)
            }
            state.work[token]?.outstanding += size
            return (state.work[token]?.work, false)
        }
        guard isBreach else { return work }
        log.warn("\(file): it sent more than the limits allow")
        if mode == .worker { state.withLock { $0.channel }?.abandon() }
        removeWork(token)?.work.end(.limit)
        return nil
    }

    private func finish(_ token: UInt64, _ status: Int32, _ result: [UInt8]) {
        guard let entry = removeWork(token) else { return }
        if let reason = entry.stopReason {
            entry.work.end(ProviderFailure(reason))
        } else {
            entry.work.finished(status, result)
        }
    }

    fileprivate func died(_ how: String, incarnation: Int) {
        let actions = state.withLock { state in
            // The channel has ended by itself: there is nothing to abandon.
            if state.lifecycle.incarnation == incarnation { state.channel = nil }
            let isLoading = state.lifecycle.phase == .loading(isRestart: false)
            let sentence = "\(isLoading ? "loading it failed: " : "")the worker process \(how)"
            return state.lifecycle.died(incarnation, how: sentence, now: monotonicMilliseconds())
        }
        perform(actions)
    }

    // MARK: Requests to host services

    private func begin(_ request: PluginEvent.ServiceRequest, _ channel: any PluginChannel) {
        let token = request.token
        let scope: Result<WorkScope?, ServiceFailure>? = state.withLock { state in
            guard state.requests[token] == nil else { return nil }
            guard state.requests.count < HostServices.requestLimit else {
                return .failure(ServiceFailure(.limit, "too many requests are open"))
            }
            let work = state.work[request.scope]?.work
            if request.scope != 0 {
                guard work != nil else { return .failure(ServiceFailure(.gone, "the turn or call has ended")) }
                state.work[request.scope]?.requests.insert(token)
            }
            state.requests[token] = OpenRequest(scope: request.scope, channel: channel)
            return .success(work?.scope)
        }
        guard let scope else { return }
        let reply = ServiceReply { event, status, data in
            self.answer(token, channel, event, status, data)
        }
        switch scope {
        case .failure(let failure):
            let message = PluginCommand.serviceEvent(
                token: token, event: ServiceReply.endEvent, status: failure.status.rawValue,
                data: Array(failure.sentence.utf8))
            channel.send(message.message)
        case .success(let scope):
            let running = services.start(request, scope: scope, manifest: manifest, reply)
            let isOpen = state.withLock { state in
                state.requests[token]?.running = running
                return state.requests[token] != nil
            }
            // It has ended or was cancelled meanwhile; cancelling what has ended does nothing.
            if !isOpen { running.cancel(.cancelled) }
        }
    }

    private func answer(
        _ token: UInt64, _ channel: any PluginChannel, _ event: UInt32, _ status: Int32, _ data: [UInt8]
    ) {
        let isEnd = event == ServiceReply.endEvent
        let isOpen = state.withLock { state in
            guard let open = state.requests[token], open.channel === channel else { return false }
            if isEnd {
                state.requests[token] = nil
                state.work[open.scope]?.requests.remove(token)
            }
            return true
        }
        guard isOpen else { return }
        channel.send(PluginCommand.serviceEvent(token: token, event: event, status: status, data: data).message)
    }

    private func endRequest(_ token: UInt64) -> (any Cancellable)? {
        state.withLock { state in
            let request = state.requests.removeValue(forKey: token)
            if let scope = request?.scope { state.work[scope]?.requests.remove(token) }
            return request?.running
        }
    }
}

/// Runs something at most once, whoever comes first.
private final class Once: Sendable {
    private let body: Mutex<(@Sendable () -> Void)?>
    init(_ body: @escaping @Sendable () -> Void) { self.body = Mutex(body) }
    func run() { body.withLock { $0.take() }?() }
}

/// What a turn, call or completion is stopped by.
struct OpenWorkHandle: AgentTurn {
    let instance: PluginInstance
    let token: UInt64
    func cancel(_ reason: CancelReason) { instance.stop(token, reason) }
    func consumed(_ bytes: Int) { instance.consumed(token, bytes) }
}

/// Hears one runtime of an instance and says which one it was.
private final class Incarnation: PluginChannelReceiver {
    let instance: PluginInstance
    let number: Int

    init(instance: PluginInstance, number: Int) {
        self.instance = instance
        self.number = number
    }

    func channel(_ channel: any PluginChannel, received event: PluginEvent) {
        instance.received(event, channel, incarnation: number)
    }

    func channel(_ channel: any PluginChannel, died how: String) { instance.died(how, incarnation: number) }
}
