/// Keeps a plugin from flooding the log: at most 1,000 lines in a second, the others are dropped.
///
/// Pure: times are milliseconds of the monotonic clock.
struct LineRate: Sendable {
    static let limit = 1_000
    private var second: Int64 = 0
    private var count = 0

    mutating func allows(at now: Int64) -> Bool {
        if now / 1_000 != second {
            second = now / 1_000
            count = 0
        }
        count += 1
        return count <= LineRate.limit
    }
}
