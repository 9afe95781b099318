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
    }
    private struct Inbox {
        var frames = FrameReader()
        var lines = LineSplitter()
        var rate = LineRate()
    }

    /// Starts the program. Throws a sentence when that fails.
    init(program: String, io: WorkerIO, receiver: any PluginChannelReceiver, log: Logger) throws(PluginChannelError) {
        var child = cplatform_child(pid: 0, socket: -1, output: -1)
        let error = unsafe cplatform_child_start(program, &child)
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

    /// Reads a piece and delivers its events; the end or a bad frame is the worker's death.
    func readSocket() {
        let piece = read(child.socket)
        guard let piece else { return }
        guard !piece.isEmpty else { return die(nil) }
        do {
            let events = try inbox.withLock { inbox throws(FrameReader.Failure) in try inbox.frames.feed(piece) }
            if !events.isEmpty { receiver.channel(self, received: events) }
        } catch {
            die("sent bytes that are no frame and was killed")
        }
    }

    /// Reads what the plugin printed.
    func readOutput() {
        guard let piece = read(child.output) else { return }
        if piece.isEmpty { return io.unwatch(child.output) }
        report(inbox.withLock { $0.lines.feed(piece) })
    }

    private func report(_ lines: [String]) {
        let now = monotonicMilliseconds()
        for line in lines where inbox.withLock({ $0.rate.allows(at: now) }) {
            log.info("plugin output", ["line": .string(line)])
        }
    }

    /// A piece; empty at the end or when the stream is broken; nil when there is nothing now.
    private func read(_ descriptor: Int32) -> [UInt8]? {
        var result: Int64 = 0
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            result = unsafe cplatform_stream_read(descriptor, base, buffer.count)
            count = Int(max(result, 0))
        }
        return result == -1 ? nil : piece
    }

    private func die(_ why: String?) {
        if let why { kill(why) } else { outbox.withLock { _ in cplatform_child_kill(child.pid) } }
        io.remove(self)
        // What it printed last often says why it died.
        while let piece = read(child.output), !piece.isEmpty { report(inbox.withLock { $0.lines.feed(piece) }) }
        if let rest = inbox.withLock({ $0.lines.finish() }) { report([rest]) }
        receiver.channel(self, died: reap())
    }

    /// Takes the exit status, closes the descriptors and says how it ended.
    @discardableResult
    private func reap() -> String {
        var signal: Int32 = 0
        var status: Int32 = 0
        let why = outbox.withLock { outbox in
            unsafe cplatform_child_reap(child.pid, &signal, &status)
            outbox.isGone = true
            outbox.bytes = []
            outbox.written = 0
            return outbox.why
        }
        cplatform_close(child.socket)
        cplatform_close(child.output)
        if let why { return why }
        guard signal != 0 else { return "ended with exit status \(status)" }
        let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            guard let base = buffer.baseAddress else { return "a signal" }
            unsafe cplatform_signal_name(signal, base, buffer.count)
            return unsafe String(cString: base)
        }
        return "was ended by \(name)"
    }
}

/// Runs each plugin in a process of its own.
struct WorkerChannelFactory: PluginChannelFactory {
    /// Path of `plugin-worker`.
    var program: String
    var io: WorkerIO

    var mode: PluginMode { .worker }

    func open(_ receiver: any PluginChannelReceiver, log: Logger) throws(PluginChannelError) -> any PluginChannel {
        try WorkerChannel(program: program, io: io, receiver: receiver, log: log)
    }
}
