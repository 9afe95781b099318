internal import CPlatform

/// SIGTERM, SIGINT and SIGHUP as something the main thread waits for.
public enum ProcessSignals {
    /// Keeps the signals for `wait`, and ignores SIGPIPE. Call first in `main`, before any thread starts.
    public static func hold() { cplatform_signals_hold() }

    /// Waits for one of the signals; blocks the calling thread.
    ///
    /// - Parameter milliseconds: nil waits for ever.
    /// - Returns: whether a signal came.
    public static func wait(milliseconds: Int64? = nil) -> Bool { cplatform_signals_wait(milliseconds ?? -1) != 0 }
}
