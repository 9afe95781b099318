/// Counts crashes: too many within a minute, and the plugin rests before it is tried again (reliability.md, promise 17). Each rest is
/// twice as long as the one before; a worker that lived for a minute starts over.
///
/// Pure: times are milliseconds of the monotonic clock.
struct Quarantine: Sendable {
    static let window: Int64 = 60_000
    static let firstRest: Int64 = 1_000
    static let longestRest: Int64 = 60_000
    /// Crashes within the window that are too many; 0: there are never too many.
    let limit: Int
    private var crashes: [Int64] = []
    private var rest = Quarantine.firstRest

    init(limit: Int) { self.limit = limit }

    /// Crashes within the last minute before the latest.
    var count: Int { crashes.count }

    /// The worker started at `start` has died at `now`. Answers the milliseconds to rest; nil when it may be started again.
    ///
    /// - Parameter isOnTrial: it was being tried after a rest: then one crash is too many.
    mutating func died(at now: Int64, startedAt start: Int64, isOnTrial: Bool) -> Int64? {
        guard limit > 0 else { return nil }
        if now - start >= Quarantine.window { rest = Quarantine.firstRest }
        crashes.removeAll { now - $0 >= Quarantine.window }
        if crashes.count == limit { crashes.removeFirst() }
        crashes.append(now)
        guard isOnTrial || crashes.count == limit else { return nil }
        defer { rest = min(rest * 2, Quarantine.longestRest) }
        return rest
    }
}

/// What becomes of a plugin whose worker crashes again and again.
struct PluginRecovery: Sendable, Hashable {
    /// Crashes within a minute that quarantine it; 0: none do.
    var quarantineCrashes = 5
    /// Milliseconds: the longest pause before its worker is started again; 0: always at once.
    var longestPause: Int64 = 30_000
}
