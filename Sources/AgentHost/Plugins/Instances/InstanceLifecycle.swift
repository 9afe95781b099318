/// The life of a plugin instance: loading, running, dying, starting again, resting, ending.
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
        /// Dead, and not to be started again before that time: it crashed too often.
        case quarantined(until: Int64)
        /// Open work may end; no new work.
        case draining
        case destroying
        case ended
    }

    /// After a quarantine one piece of work shows whether the plugin is well.
    enum Trial: Sendable, Hashable {
        case none
        /// Loading, or loaded and without work.
        case due
        case running(token: UInt64, since: Int64)
    }

    enum Action: Sendable, Hashable {
        case open(incarnation: Int)
        /// The answer to the first start: nil is success.
        case started(refusal: String?)
        /// Messages that were held back during a restart can go.
        case sendHeld
        case reopen(incarnation: Int, after: Int64)
        /// Ends the work of this incarnation and of earlier ones.
        case endWork(ProviderFailure, incarnation: Int)
        case send(End)
        /// Kill or abandon the channel of this incarnation and forget it.
        case abandon(incarnation: Int)
        /// Free the channel: the runtime has said good-bye.
        case release
        case ended
        case notify(PluginNotice)
        case warn(String)
        case inform(String)
    }
    enum End: Sendable, Hashable { case drain, destroy }

    /// Milliseconds after which work on trial that still runs counts as well: longer than it takes to notice a function that never
    /// returns.
    static let longestTrial: Int64 = 15_000

    private(set) var phase = Phase.idle
    private(set) var incarnation = 0
    private var trial = Trial.none
    private var backoff: RestartBackoff
    private var quarantine: Quarantine
    private var openedAt: Int64 = 0
    /// When what `condition` says last changed.
    private var changedAt: Int64 = 0
    private var lastDeath: String?
    private var stuckReason: String?
    private let restarts: Bool

    /// - Parameter restarts: whether a runtime that died is started again; true for workers.
    init(restarts: Bool, recovery: PluginRecovery = PluginRecovery()) {
        self.restarts = restarts
        backoff = RestartBackoff(longest: recovery.longestPause)
        quarantine = Quarantine(limit: recovery.quarantineCrashes)
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
        if !isRestart { changedAt = now }
        return [.open(incarnation: incarnation)]
    }

    /// The runtime answered the load. `refusal` is nil when it is ready.
    mutating func loaded(_ number: Int, refusal: String?, now: Int64) -> [Action] {
        guard number == incarnation, case .loading(let isRestart) = phase else { return [] }
        if let refusal {
            // The refusal may name files, which are nobody's business.
            if isRestart {
                return fall(why: refusal, told: "it could not be loaded again", now: now, failure: .unavailable)
            }
            phase = .destroying
            return [.started(refusal: refusal), .send(.destroy)]
        }
        phase = .running(since: now)
        if trial == .none { changedAt = now }
        guard isRestart else { return [.started(refusal: nil)] }
        return trial == .none ? [.sendHeld, .notify(.serving(incarnation: incarnation))] : [.sendHeld]
    }

    /// There was no answer to the load in time.
    mutating func loadTimedOut(_ number: Int, after timeout: Int64, now: Int64) -> [Action] {
        guard number == incarnation, case .loading(let isRestart) = phase else { return [] }
        let sentence = "loading it did not end within \(timeout) ms; its `create` must return sooner"
        if isRestart { return fall(why: sentence, now: now, failure: .unavailable) }
        return end([.started(refusal: sentence), .abandon(incarnation: incarnation)], now)
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
            .warn("\(why); that is tried again in \(delay) ms"),
            .endWork(trial == .none ? .unavailable : .quarantined, incarnation: incarnation),
            .abandon(incarnation: incarnation), .reopen(incarnation: incarnation, after: delay),
        ]
    }

    /// The worker process is gone.
    ///
    /// - Parameter words: what it said about that itself; for operators, not for everybody.
    mutating func died(_ number: Int, how told: String, words: String? = nil, now: Int64) -> [Action] {
        guard number == incarnation else { return [] }
        let how = told + (words.map { " (\($0))" } ?? "")
        switch phase {
        case .idle, .down, .quarantined, .ended: return []
        case .loading(isRestart: false):
            return end([.started(refusal: how), .abandon(incarnation: number)], now)
        case .loading(isRestart: true): return fall(why: how, told: told, now: now, failure: .unavailable)
        case .running:
            guard restarts else { return end(crash(how), now) }
            return fall(why: how, told: told, now: now, failure: .crashed)
        case .draining: return end(crash(how), now)
        case .destroying: return end([.abandon(incarnation: number)], now)
        }
    }

    private func crash(_ how: String) -> [Action] {
        [
            .notify(.crashed(reason: how, incarnation: incarnation)), .endWork(.crashed, incarnation: incarnation),
            .abandon(incarnation: incarnation),
        ]
    }

    private mutating func end(_ actions: [Action], _ now: Int64) -> [Action] {
        phase = .ended
        changedAt = now
        return actions + [.ended]
    }

    /// - Parameter told: what everybody may read; nil: `why`, which is for the log.
    private mutating func fall(
        why: String, told: String? = nil, now: Int64, failure: ProviderFailure
    ) -> [Action] {
        lastDeath = told ?? why
        changedAt = now
        let crashed = Action.notify(.crashed(reason: why, incarnation: incarnation))
        let clean: [Action] = [.endWork(failure, incarnation: incarnation), .abandon(incarnation: incarnation)]
        let rest = quarantine.died(at: now, startedAt: openedAt, isOnTrial: trial != .none)
        let delay = backoff.died(at: now, startedAt: openedAt)
        if let rest {
            phase = .quarantined(until: now + rest)
            trial = .due
            let sentence =
                "\(why); that was crash \(quarantine.count) within a minute, so it is quarantined: its turns are refused, and it "
                + "is tried again in \(rest) ms"
            return [crashed, .notify(.quarantined(reason: why, until: now + rest)), .warn(sentence)] + clean
                + [.reopen(incarnation: incarnation, after: rest)]
        }
        // At once means that the next turn need not be refused: it is held until the worker is ready.
        let warning = Action.warn("\(why); it is started again \(delay == 0 ? "at once" : "in \(delay) ms")")
        guard delay > 0 else { return [crashed, warning] + clean + open(now: now, isRestart: true) }
        phase = .down
        return [crashed, warning] + clean + [.reopen(incarnation: incarnation, after: delay)]
    }

    mutating func reopenDue(_ number: Int, now: Int64) -> [Action] {
        guard number == incarnation else { return [] }
        switch phase {
        case .quarantined:
            changedAt = now
            return open(now: now, isRestart: true)
        case .down: return open(now: now, isRestart: true)
        default: return []
        }
    }
}

// MARK: Work

extension InstanceLifecycle {
    /// Asks whether a new turn or call is taken; nil: it is. While a worker starts again work is held until it has; on trial one
    /// piece of work is let through.
    mutating func admit(_ token: UInt64, now: Int64) -> (refusal: ProviderFailure?, actions: [Action]) {
        guard stuckReason == nil else { return (.unavailable, []) }
        switch (phase, trial) {
        case (.running, .none), (.loading(isRestart: true), .none): return (nil, [])
        case (.running, .due):
            trial = .running(token: token, since: now)
            return (nil, [])
        case (.running, .running(_, let since)) where now - since >= InstanceLifecycle.longestTrial:
            return (nil, passTrial(now))
        case (.running, .running), (.loading(isRestart: true), _), (.quarantined, _), (.down, .due):
            return (.quarantined, [])
        default: return (.unavailable, [])
        }
    }

    /// Work is over. `byPlugin`: it was the plugin that finished it, which shows that it is well.
    mutating func workEnded(_ token: UInt64, byPlugin: Bool, now: Int64) -> [Action] {
        guard case .running(token, _) = trial, case .running = phase else { return [] }
        guard byPlugin else {
            trial = .due
            return []
        }
        return passTrial(now)
    }

    private mutating func passTrial(_ now: Int64) -> [Action] {
        trial = .none
        changedAt = now
        return [.notify(.serving(incarnation: incarnation)), .inform("it works again, and its quarantine is over")]
    }

    // MARK: In process

    /// One of its functions does not return; nil: it has returned after all.
    mutating func stuck(_ reason: String?, now: Int64) -> [Action] {
        guard case .running = phase, reason != stuckReason else { return [] }
        let wasStuck = stuckReason != nil
        stuckReason = reason
        if wasStuck != (reason != nil) { changedAt = now }
        guard let reason else { return [.notify(.serving(incarnation: incarnation))] }
        return wasStuck ? [] : [.notify(.stuck(reason: reason))]
    }

    /// How it is, for people.
    var condition: (state: PluginHealth.State, since: Int64, reason: String?, until: Int64?) {
        switch phase {
        case .idle, .loading(isRestart: false): (.starting, changedAt, nil, nil)
        case .quarantined(let until): (.quarantined, changedAt, lastDeath, until)
        case .running, .loading, .down:
            if let stuckReason {
                (.stuck, changedAt, stuckReason, nil)
            } else if trial != .none {
                (.onTrial, changedAt, lastDeath, nil)
            } else if case .running = phase {
                (.serving, changedAt, nil, nil)
            } else {
                (.restarting, changedAt, lastDeath, nil)
            }
        case .draining, .destroying: (.draining, changedAt, nil, nil)
        case .ended: (.ended, changedAt, lastDeath, nil)
        }
    }
}

// MARK: The end

extension InstanceLifecycle {
    mutating func drain(now: Int64) -> [Action] {
        switch phase {
        case .running:
            phase = .draining
            changedAt = now
            return [.send(.drain)]
        case .idle: return end([], now)
        case .down, .quarantined: return end([.endWork(.unavailable, incarnation: incarnation)], now)
        case .loading(let isRestart):
            return end(
                (isRestart ? [] : [.started(refusal: "the host is shutting down")]) + [
                    .endWork(.unavailable, incarnation: incarnation), .abandon(incarnation: incarnation),
                ], now)
        case .draining, .destroying, .ended: return []
        }
    }

    /// Nothing is open any more, or what is open has had its time.
    mutating func destroy() -> [Action] {
        guard phase == .draining else { return [] }
        phase = .destroying
        return [.endWork(.unavailable, incarnation: incarnation), .send(.destroy)]
    }

    /// The runtime has said good-bye. Freeing it (or the death of its process) is the end.
    func destroyed(_ number: Int) -> [Action] {
        number == incarnation && phase == .destroying ? [.release] : []
    }

    mutating func released(_ number: Int, now: Int64) -> [Action] {
        guard number == incarnation, phase == .destroying else { return [] }
        return end([], now)
    }

    mutating func destroyTimedOut(now: Int64) -> [Action] {
        guard phase == .destroying else { return [] }
        return end([.abandon(incarnation: incarnation)], now)
    }

    /// Ends at once, whatever is going on.
    mutating func kill(now: Int64) -> [Action] {
        guard phase != .ended else { return [] }
        let isStarting = phase == .loading(isRestart: false)
        return end(
            (isStarting ? [.started(refusal: "it was killed")] : []) + [
                .endWork(.crashed, incarnation: incarnation), .abandon(incarnation: incarnation),
            ], now)
    }
}
