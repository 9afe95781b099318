internal import CPlatform
private import Synchronization

/// How much a log line matters.
enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case trace, debug, info, warn, error

    /// The word in configuration and in lines.
    var name: String { String(describing: self) }
    init?(name: String) {
        guard let level = LogLevel.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }
    static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }
}

/// Writes log lines: one JSON object a line, `{"ts", "level", "msg", …}`.
///
/// Lines are written by a thread of its own, so a slow terminal or pipe never holds up a request; when more than 10,000 lines
/// wait, further ones are dropped and counted. May be called from any thread. Never log a secret or the text of a message.
final class Logger: Sendable {
    /// Lines below this level are dropped.
    let level: LogLevel
    private let sink: LogSink?
    private let fields: [(String, JSON)]

    /// - Parameter descriptor: where lines go; 2 is standard error.
    convenience init(level: LogLevel, descriptor: Int32 = 2) {
        self.init(level: level, sink: LogSink(descriptor: descriptor), fields: [])
    }

    private init(level: LogLevel, sink: LogSink?, fields: [(String, JSON)]) {
        self.level = level
        self.sink = sink
        self.fields = fields
    }

    /// Drops everything: for tests.
    static let silent = Logger(level: .error, sink: nil, fields: [])

    /// A logger that adds `fields` to every line.
    func with(_ fields: KeyValuePairs<String, JSON>) -> Logger {
        Logger(level: level, sink: sink, fields: self.fields + fields.map { ($0.key, $0.value) })
    }

    /// A logger that drops what is no error.
    var errorsOnly: Logger { Logger(level: .error, sink: sink, fields: fields) }

    func trace(_ message: String, _ fields: KeyValuePairs<String, JSON> = [:]) { write(.trace, message, fields) }
    func debug(_ message: String, _ fields: KeyValuePairs<String, JSON> = [:]) { write(.debug, message, fields) }
    func info(_ message: String, _ fields: KeyValuePairs<String, JSON> = [:]) { write(.info, message, fields) }
    func warn(_ message: String, _ fields: KeyValuePairs<String, JSON> = [:]) { write(.warn, message, fields) }
    func error(_ message: String, _ fields: KeyValuePairs<String, JSON> = [:]) { write(.error, message, fields) }

    /// Writes a line that no level suppresses: who decided what.
    func audit(_ message: String, _ fields: KeyValuePairs<String, JSON>) { write(.info, message, fields, always: true) }

    func write(
        _ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, JSON>, always: Bool = false
    ) {
        guard always || level >= self.level, let sink else { return }
        var writer = JSONWriter()
        writer.object {
            $0.member("ts", Timestamp.now().iso8601)
            $0.member("level", level.name)
            $0.member("msg", message)
            for (key, value) in self.fields where value != .null {
                $0.key(escaped: key)
                $0.value(value)
            }
            for (key, value) in fields where value != .null {
                $0.key(escaped: key)
                $0.value(value)
            }
        }
        writer.append("\n")
        sink.write(writer.bytes)
    }

    /// Waits until everything logged so far is written. Blocks; for the end of the process.
    func flush() { sink?.flush() }
}

/// The thread behind a logger.
private final class LogSink: Sendable {
    private static let limit = 10_000
    /// Lines that come within so many milliseconds of a write wait for each other: one wake-up for all.
    private static let patience: Int64 = 10
    private let queue = BlockingQueue<[UInt8]>()
    private let state = Mutex(State())
    private let descriptor: Int32

    private struct State {
        var waiting = 0
        var dropped = 0
        var thread: NativeThread?
    }

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    func write(_ line: [UInt8]) {
        let accepted = state.withLock { state in
            if state.thread == nil {
                state.thread = NativeThread(name: "log") { [queue, self] in self.run(queue) }
            }
            guard state.waiting < LogSink.limit else {
                state.dropped += 1
                return false
            }
            state.waiting += 1
            return true
        }
        if accepted { queue.push(line) }
    }

    private func run(_ queue: BlockingQueue<[UInt8]>) {
        while true {
            let lines = queue.takeAll()
            if lines.isEmpty { return }
            var bytes: [UInt8] = []
            for line in lines { bytes += line }
            let dropped = state.withLock { state in
                defer { state.dropped = 0 }
                return state.dropped
            }
            if dropped > 0 {
                bytes += Array(#"{"level":"warn","msg":"log lines dropped","count":\#(dropped)}"#.utf8) + [10]
            }
            writeFully(descriptor, bytes)
            state.withLock { $0.waiting -= lines.count }
            cplatform_sleep_ms(LogSink.patience)
        }
    }

    func flush() {
        let deadline = monotonicMilliseconds() + 2_000
        while state.withLock({ $0.waiting }) > 0 && monotonicMilliseconds() < deadline {
            cplatform_sleep_ms(2)
        }
    }
}

/// Writes all of `bytes`; gives up silently when the descriptor fails (a closed log must not end the server).
func writeFully(_ descriptor: Int32, _ bytes: [UInt8]) {
    _ = unsafe bytes.withUnsafeBytes { unsafe cplatform_write_fully(descriptor, $0.baseAddress, $0.count) }
}
