/// Keeps a plugin from flooding the log: at most 1,000 lines in a second, the others are dropped.
///
/// Pure: times are milliseconds of the monotonic clock.
struct LineRate: Sendable {
    static let limit = 1_000
    private var second: Int64 = 0
    private var count = 0
    private var dropped = 0

    mutating func allows(at now: Int64) -> Bool {
        if now / 1_000 != second {
            second = now / 1_000
            count = 0
        }
        count += 1
        if count <= LineRate.limit { return true }
        dropped += 1
        return false
    }

    /// How many lines were dropped since this was asked last.
    mutating func takeDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }
}

/// Keeps what a plugin prints from costing the host more than reading 1 MiB in a second: when the share of a sixteenth of a second is
/// spent, the pipe is left alone until that is over, and a plugin that goes on printing waits. Shares that small keep a flood from holding
/// up the thread that serves the other workers.
///
/// Pure: times are milliseconds of the monotonic clock.
struct OutputBudget: Sendable {
    /// Bytes of a share.
    static let limit = 1 << 16
    /// Milliseconds that a share is for.
    static let span: Int64 = 62
    private var share: Int64 = 0
    private var spent = 0

    /// Takes note of bytes that were read. Answers when to go on reading, or nil: at once.
    mutating func spend(_ bytes: Int, at now: Int64) -> Int64? {
        if now / OutputBudget.span != share {
            share = now / OutputBudget.span
            spent = 0
        }
        spent += bytes
        return spent < OutputBudget.limit ? nil : (share + 1) * OutputBudget.span
    }
}
