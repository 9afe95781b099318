internal import CPlatform
private import Synchronization

/// A runtime in a worker process: commands and events are frames on a socket. What the process says is hostile.
final class WorkerChannel: PluginChannel {
    /// Bytes that may wait for a worker; one that reads so little is killed.
    static let outputLimit = 64 << 20

    let child: cplatform_child
    /// Set by `WorkerIO.add`, before anything is watched.
    var tag: UInt64 {
        get { tagStorage.load(ordering: .relaxed) }
        set { tagStorage.store(newValue, ordering: .relaxed) }
    }
    private let tagStorage = Atomic<UInt64>(0)
    private let io: WorkerIO
    private let receiver: any PluginChannelReceiver
    private let log: Logger
    private let outbox = Mutex(Outbox())
    /// Only touched by the I/O thread; the lock is for the compiler.
    private let inbox = Mutex(Inbox())

    private struct Outbox {
        var bytes: [UInt8] = []
        /// What of `bytes` is written.
        var written = 0
        var waitsForSocket = false
        /// Reaped: the pid may belong to somebody else now.
        var isGone = false
        var why: String?
        var peakMemory: Int64 = 0
    }
    private struct Inbox {
        var frames = FrameReader()
        var lines = LineSplitter()
        var rate = LineRate()
        var budget = OutputBudget()
        /// What the worker program itself said about its death.
        var lastWords: String?
        /// It was killed or has closed its socket: only its end is waited for.
        var isDying = false
    }

    /// Bytes that are read at once: of frames, and of what it prints. A line costs more than a frame, and nobody waits for it.
    private static let piece = 1 << 16
    private static let printedPiece = 1 << 12
    /// Most pieces that are read from one that has ended: a process that it left behind may go on writing. What it printed fits into a
    /// pipe, which holds 64 KiB.
    private static let lastPieces = 256
    private static let lastPrintedPieces = 32
    /// How the line begins that says why it dies (crash.c).
    private static let ownLine = "plugin-worker: last words: "

    /// Starts the program. Throws a sentence when that fails.
    init(
        program: String, arguments: [String], io: WorkerIO, receiver: any PluginChannelReceiver, log: Logger
    ) throws(PluginChannelError) {
        var child = cplatform_child(pid: 0, socket: -1, output: -1, end: -1)
        let error = unsafe withArguments(program, arguments) { unsafe cplatform_child_start(program, $0, &child) }
        guard error == 0 else {
            throw PluginChannelError(
                sentence: "cannot start the worker program \(program): \(FileError(error).sentence)")
        }
        self.child = child
        self.io = io
        self.receiver = receiver
        self.log = log
        do { try io.add(self) } catch {
            cplatform_child_kill(child.pid)
            reap()
            throw error
        }
    }

    // MARK: Any thread

    func send(_ message: PluginMessage) {
        let frame = message.frame
        let verdict = outbox.withLock { outbox -> (wake: Bool, kill: Bool) in
            guard !outbox.isGone else { return (false, false) }
            guard outbox.bytes.count - outbox.written + frame.count <= WorkerChannel.outputLimit else {
                return (false, true)
            }
            let wasEmpty = outbox.bytes.isEmpty
            outbox.bytes += frame
            return (wasEmpty, false)
        }
        if verdict.wake { io.isDirty(self) }
        if verdict.kill { kill("did not read its messages and was killed") }
    }

    func abandon() { kill("was killed") }

    func end(_ why: String) { kill(why) }

    /// The lock keeps the process from being reaped meanwhile: its number would be somebody else's.
    var usage: ProcessUsage? { outbox.withLock { $0.isGone ? nil : ProcessUsage.of(pid: child.pid) } }

    var peakMemory: Int64 { outbox.withLock { $0.peakMemory } }

    func release(_ done: @escaping @Sendable () -> Void) {}

    /// Kills the process; the I/O thread notices. `why` is what is reported unless it died before.
    private func kill(_ why: String) {
        outbox.withLock { outbox in
            guard !outbox.isGone else { return }
            outbox.why = outbox.why ?? why
            cplatform_child_kill(child.pid)
        }
    }

    // MARK: I/O thread

    /// Writes what waits, as far as the socket takes it.
    func flush() {
        let change = outbox.withLock { outbox -> Bool? in
            while outbox.written < outbox.bytes.count {
                let count = unsafe outbox.bytes.withUnsafeBytes { buffer -> Int64 in
                    guard let base = buffer.baseAddress else { return 0 }
                    return unsafe cplatform_socket_write(
                        child.socket, base + outbox.written, buffer.count - outbox.written)
                }
                // A broken socket shows up as the end when it is read.
                guard count > 0 else { break }
                outbox.written += Int(count)
            }
            let isDone = outbox.written == outbox.bytes.count
            if isDone {
                outbox.bytes.removeAll(keepingCapacity: outbox.bytes.count <= 1 << 20)
                outbox.written = 0
            } else if outbox.written > 1 << 20 {
                outbox.bytes.removeFirst(outbox.written)
                outbox.written = 0
            }
            guard outbox.waitsForSocket == isDone else { return nil }
            outbox.waitsForSocket = !isDone
            return !isDone
        }
        if let change { io.setWritable(self, change) }
    }

    /// Reads a piece and delivers its events; the end or a bad frame is the worker's death. False when nothing is left to read.
    @discardableResult
    func readSocket() -> Bool {
        guard !inbox.withLock({ $0.isDying }), let piece = read(child.socket, WorkerChannel.piece) else { return false }
        guard !piece.isEmpty else {
            die(nil)
            return false
        }
        do {
            let events = try inbox.withLock { inbox throws(FrameReader.Failure) in try inbox.frames.feed(piece) }
            if !events.isEmpty { receiver.channel(self, received: events) }
            return true
        } catch {
            die("sent bytes that are no frame and was killed")
            return false
        }
    }

    /// The process has ended, though another may hold its socket: what it had said still counts.
    func hasEnded() {
        for _ in 0..<WorkerChannel.lastPieces where !readSocket() { break }
        if !inbox.withLock({ $0.isDying }) { die(nil) }
        bury()
    }

    /// Reads what the plugin printed, unless it prints too much: then that waits.
    func readOutput() {
        guard let piece = read(child.output, WorkerChannel.printedPiece) else { return }
        if piece.isEmpty { return io.unwatch(child.output) }
        report(inbox.withLock { $0.lines.feed(piece) })
        let pause = inbox.withLock { $0.budget.spend(piece.count, at: monotonicMilliseconds()) }
        if let pause { io.pauseOutput(self, until: pause) }
    }

    private func report(_ lines: [PrintedLine]) {
        let now = monotonicMilliseconds()
        for line in lines {
            if let words = line.text(after: WorkerChannel.ownLine) {
                inbox.withLock { $0.lastWords = String(words.prefix(1_024)) }
            }
            guard inbox.withLock({ $0.rate.allows(at: now) }) else { continue }
            reportDropped()
            log.info("plugin output", ["line": .string(line.text)])
        }
    }

    private func reportDropped() {
        let count = inbox.withLock { $0.rate.takeDropped() }
        guard count > 0 else { return }
        log.warn(
            "plugin output dropped: it prints more than \(LineRate.limit) lines a second", ["lines": .int(Int64(count))]
        )
    }

    /// A piece; empty at the end or when the stream is broken; nil when there is nothing now.
    private func read(_ descriptor: Int32, _ size: Int) -> [UInt8]? {
        var result: Int64 = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            result = unsafe cplatform_stream_read(descriptor, base, buffer.count)
            count = Int(max(result, 0))
        }
        return result == -1 ? nil : piece
    }

    /// Kills what is left of it. Its end is reported when the kernel says that it has come: freeing much memory takes time, which others
    /// are not to wait for.
    private func die(_ why: String?) {
        inbox.withLock { $0.isDying = true }
        if let why { kill(why) } else { outbox.withLock { _ in cplatform_child_kill(child.pid) } }
        io.unwatch(child.socket)
        if child.end < 0 { bury() }
    }

    private func bury() {
        io.remove(self)
        // What it printed last often says why it died.
        for _ in 0..<WorkerChannel.lastPrintedPieces {
            guard let piece = read(child.output, WorkerChannel.printedPiece), !piece.isEmpty else { break }
            report(inbox.withLock { $0.lines.feed(piece) })
        }
        if let rest = inbox.withLock({ $0.lines.finish() }) { report([rest]) }
        reportDropped()
        receiver.channel(self, died: reap(), words: inbox.withLock { $0.lastWords })
    }

    /// Takes the exit status, closes the descriptors and says how it ended.
    @discardableResult
    private func reap() -> String {
        var signal: Int32 = 0
        var status: Int32 = 0
        let why = outbox.withLock { outbox in
            unsafe cplatform_child_reap(child.pid, &signal, &status, &outbox.peakMemory)
            outbox.isGone = true
            outbox.bytes = []
            outbox.written = 0
            return outbox.why
        }
        cplatform_close(child.socket)
        cplatform_close(child.output)
        if child.end >= 0 { cplatform_close(child.end) }
        if let why { return why }
        guard signal != 0 else { return "ended with exit status \(status)" }
        let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            guard let base = buffer.baseAddress else { return "a signal" }
            unsafe cplatform_signal_name(signal, base, buffer.count)
            return unsafe String(cString: base)
        }
        let forbidden = name == "SIGSYS" ? ": it made a system call that the sandbox forbids, see docs/sandbox.md" : ""
        return "was ended by \(name)" + forbidden
    }
}

/// Runs each plugin in a process of its own.
struct WorkerChannelFactory: PluginChannelFactory {
    /// Path of `plugin-worker`.
    var program: String
    var sandbox: WorkerSandbox
    var io: WorkerIO

    var mode: PluginMode { .worker }

    func open(_ receiver: any PluginChannelReceiver, log: Logger) throws(PluginChannelError) -> any PluginChannel {
        try WorkerChannel(program: program, arguments: sandbox.arguments, io: io, receiver: receiver, log: log)
    }
}
