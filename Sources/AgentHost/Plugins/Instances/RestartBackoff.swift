/// How long to wait before a worker that died is started again: at once the first time, then 100 ms, doubling to `longest`. A worker
/// that lived for a minute starts over.
///
/// Pure: times are milliseconds of the monotonic clock.
struct RestartBackoff: Sendable {
    static let first: Int64 = 100
    static let forgiveness: Int64 = 60_000
    /// Milliseconds; 0: it is always started again at once.
    let longest: Int64
    private var next: Int64 = 0

    init(longest: Int64) { self.longest = longest }

    /// The worker started at `start` has died at `now`. Answers the milliseconds to wait.
    mutating func died(at now: Int64, startedAt start: Int64) -> Int64 {
        if now - start >= RestartBackoff.forgiveness { next = 0 }
        defer { next = min(max(next * 2, RestartBackoff.first), longest) }
        return next
    }
}
