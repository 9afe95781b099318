private import Synchronization

/// What happens to an instance, for whoever decides where turns go. `PluginInstance.init(onNotice:)` delivers it.
enum PluginNotice: Sendable, Hashable {
    /// The runtime with that incarnation number is gone; `reason` is a sentence's end, such as "the worker process was ended by SIGSEGV".
    case crashed(reason: String, incarnation: Int)
    /// After a crash, or after a quarantine, turns are taken again.
    case serving(incarnation: Int)
    /// It crashed too often: turns are refused at once. `until`, in milliseconds of the monotonic clock, is when it is tried again.
    case quarantined(reason: String, until: Int64)
    /// In process: one of its functions does not return, and nothing can end it. New turns are refused until it does.
    case stuck(reason: String)
}

/// How an instance is, for `/health` and for operators. Holds no secret and no path.
struct PluginHealth: Sendable, Hashable {
    enum State: String, Sendable, CaseIterable {
        /// The library is being loaded for the first time.
        case starting
        case serving
        /// Its worker died and is started again, at once or after a pause.
        case restarting
        /// It crashed too often; turns are refused.
        case quarantined
        /// After a quarantine: one turn is let through to see whether it works.
        case onTrial = "on_trial"
        /// In process: one of its functions does not return.
        case stuck
        /// Open work may end.
        case draining
        case ended
    }
    var id: String
    var version: String
    var mode: PluginMode
    var state: State
    /// When that began.
    var since: Timestamp
    /// Why it is not serving: how it died last, or what does not return.
    var reason: String?
    /// In quarantine: when it is tried again.
    var until: Timestamp?
}

extension PluginInstance {
    /// How it is at the moment. Any thread; takes the lock for a moment.
    var health: PluginHealth {
        let (condition, now) = (state.withLock { $0.lifecycle.condition }, monotonicMilliseconds())
        let wall = Timestamp.now().microseconds
        func time(_ milliseconds: Int64) -> Timestamp {
            Timestamp(microseconds: wall + (milliseconds - now) * 1_000)
        }
        return PluginHealth(
            id: manifest.id, version: manifest.version, mode: mode, state: condition.state,
            since: time(condition.since), reason: condition.reason, until: condition.until.map(time))
    }
}
