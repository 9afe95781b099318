internal import CPlatform

/// Whether there is much to do or little: see `cplatform_load.h`. Belongs to whoever counts.
@safe struct Load {
    private var load = cplatform_load()
    private let low: Int64
    private let high: Int64

    /// - Parameters:
    ///   - low: pieces of work in a second below which it is not high any more.
    ///   - high: from so many on it is.
    init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }

    /// Decided every 50 ms, from what has come since.
    var isHigh: Bool { load.is_high }

    /// - Parameter now: milliseconds of the monotonic clock.
    mutating func count(_ found: Int, at now: Int64) {
        _ = unsafe cplatform_load_count(&load, UInt32(clamping: found), now, low, high)
    }
}
