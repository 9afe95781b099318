/// The life of a plugin instance: loading, running, dying, starting again, ending.
///
/// Pure: times are given, actions are answered and performed by `PluginInstance` after it has unlocked. Each start of a runtime is an
/// *incarnation* with a number; news of an earlier one is ignored.
struct InstanceLifecycle: Sendable {
    enum Phase: Sendable, Hashable {
        case idle
        case loading(isRestart: Bool)
        case running(since: Int64)
        /// Dead, to be started again.
        case down
        /// Open work may end; no new work.
        case draining
        case destroying
        case ended
    }

    enum Action: Sendable, Hashable {
        case open(incarnation: Int)
        /// The answer to the first start: nil is success.
        case started(refusal: String?)
        /// Messages that were held back during a restart can go.
        case sendHeld
        case reopen(incarnation: Int, after: Int64)
        case endWork(ProviderFailure)
        case send(End)
        /// Kill or abandon the channel and forget it.
        case abandon
        /// Free the channel: the runtime has said good-bye.
        case release
        case ended
        case warn(String)
    }
    enum End: Sendable, Hashable { case drain, destroy }

    private(set) var phase = Phase.idle
    private(set) var incarnation = 0
    private var backoff = RestartBackoff()
    private var openedAt: Int64 = 0
    private let restarts: Bool

    /// - Parameter restarts: whether a runtime that died is started again; true for workers.
    init(restarts: Bool) { self.restarts = restarts }

    /// Whether new turns and calls are taken. While a worker starts again they are held until it has.
    var acceptsWork: Bool {
        switch phase {
        case .running, .loading(isRestart: true): true
        default: false
        }
    }

    /// Whether messages must wait for the worker to be loaded again.
    var holdsMessages: Bool { phase == .loading(isRestart: true) }

    mutating func start(now: Int64) -> [Action] {
        guard phase == .idle else { return [] }
        return open(now: now, isRestart: false)
    }

    private mutating func open(now: Int64, isRestart: Bool) -> [Action] {
        phase = .loading(isRestart: isRestart)
        incarnation += 1
        openedAt = now
        return [.open(incarnation: incarnation)]
    }

    /// The runtime answered the load. `refusal` is nil when it is ready.
    mutating func loaded(_ number: Int, refusal: String?, now: Int64) -> [Action] {
        guard number == incarnation, case .loading(let isRestart) = phase else { return [] }
        if let refusal {
            if isRestart { return fall(why: refusal, now: now, failure: .unavailable) }
            phase = .destroying
            return [.started(refusal: refusal), .send(.destroy)]
        }
        phase = .running(since: now)
        return isRestart ? [.sendHeld] : [.started(refusal: nil)]
    }

    /// There was no answer to the load in time.
    mutating func loadTimedOut(_ number: Int, after timeout: Int64, now: Int64) -> [Action] {
        guard number == incarnation, case .loading(let isRestart) = phase else { return [] }
        let sentence = "loading it did not end within \(timeout) ms; its `create` must return sooner"
        if isRestart { return fall(why: sentence, now: now, failure: .unavailable) }
        phase = .ended
        return [.started(refusal: sentence), .abandon, .ended]
    }

    /// How long to wait after a start that the system refused: out of descriptors, processes or memory. That says nothing about the
    /// plugin, so the wait does not grow, and the plugin is back soon after the system is.
    static let refusedStartPause: Int64 = 1_000

    /// The runtime could not even be opened.
    mutating func couldNotOpen(_ number: Int, why: String, now: Int64) -> [Action] {
        guard number == incarnation, phase == .loading(isRestart: true) else { return died(number, how: why, now: now) }
        phase = .down
        let delay = InstanceLifecycle.refusedStartPause
        return [
            .warn("\(why); that is tried again in \(delay) ms"), .endWork(.unavailable), .abandon,
            .reopen(incarnation: incarnation, after: delay),
        ]
    }

    /// The worker process is gone.
    mutating func died(_ number: Int, how: String, now: Int64) -> [Action] {
        guard number == incarnation else { return [] }
        switch phase {
        case .idle, .down, .ended: return []
        case .loading(isRestart: false):
            return end([.started(refusal: how), .abandon])
        case .loading(isRestart: true): return fall(why: how, now: now, failure: .unavailable)
        case .running:
            return restarts
                ? fall(why: how, now: now, failure: .crashed)
                : end([.endWork(.crashed), .abandon])
        case .draining: return end([.endWork(.crashed), .abandon])
        case .destroying: return end([.abandon])
        }
    }

    private mutating func end(_ actions: [Action]) -> [Action] {
        phase = .ended
        return actions + [.ended]
    }

    private mutating func fall(why: String, now: Int64, failure: ProviderFailure) -> [Action] {
        phase = .down
        let delay = backoff.died(at: now, startedAt: openedAt)
        let clean: [Action] = [
            .warn("\(why); it is started again in \(delay) ms"), .endWork(failure), .abandon,
        ]
        // At once means that the next turn need not be refused: it is held until the worker is ready.
        return clean
            + (delay == 0 ? open(now: now, isRestart: true) : [.reopen(incarnation: incarnation, after: delay)])
    }

    mutating func reopenDue(_ number: Int, now: Int64) -> [Action] {
        guard number == incarnation, phase == .down else { return [] }
        return open(now: now, isRestart: true)
    }

    // MARK: The end

    mutating func drain() -> [Action] {
        switch phase {
        case .running:
            phase = .draining
            return [.send(.drain)]
        case .idle: return end([])
        case .down: return end([.endWork(.unavailable)])
        case .loading(let isRestart):
            return end(
                (isRestart ? [] : [.started(refusal: "the host is shutting down")]) + [
                    .endWork(.unavailable), .abandon,
                ])
        case .draining, .destroying, .ended: return []
        }
    }

    /// Nothing is open any more, or what is open has had its time.
    mutating func destroy() -> [Action] {
        guard phase == .draining else { return [] }
        phase = .destroying
        return [.endWork(.unavailable), .send(.destroy)]
    }

    /// The runtime has said good-bye. Freeing it (or the death of its process) is the end.
    func destroyed(_ number: Int) -> [Action] {
        number == incarnation && phase == .destroying ? [.release] : []
    }

    mutating func released(_ number: Int) -> [Action] {
        guard number == incarnation, phase == .destroying else { return [] }
        return end([])
    }

    mutating func destroyTimedOut() -> [Action] {
        guard phase == .destroying else { return [] }
        return end([.abandon])
    }

    /// Ends at once, whatever is going on.
    mutating func kill() -> [Action] {
        guard phase != .ended else { return [] }
        let isStarting = phase == .loading(isRestart: false)
        return end((isStarting ? [.started(refusal: "it was killed")] : []) + [.endWork(.crashed), .abandon])
    }
}
