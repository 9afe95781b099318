internal import CPlatform

/// Accepts connections for one loop. Each loop has one, on the same descriptor; the kernel wakes one of them for a connection.
final class Listener: EventSource {
    private let descriptor: Int32
    private let loop: EventLoop
    private let context: ServerContext
    private var token: UInt64 = 0
    /// Given up for a moment when there are no descriptors, so that the client in the queue can be told by closing.
    private var reserve = cplatform_reserve_descriptor()
    private var isWatching = false
    private var isStopped = false

    init(_ descriptor: Int32, _ loop: EventLoop, _ context: ServerContext) {
        self.descriptor = descriptor
        self.loop = loop
        self.context = context
    }

    deinit { if reserve >= 0 { cplatform_close(reserve) } }

    /// Begins to accept; on the loop's thread, like everything here.
    func start() {
        guard !isStopped, !isWatching, let token = loop.add(self, listener: descriptor) else { return }
        self.token = token
        isWatching = true
    }

    /// Stops accepting. The descriptor stays open.
    func stop() {
        isStopped = true
        unwatch()
    }

    private func unwatch() {
        guard isWatching else { return }
        isWatching = false
        loop.remove(token, descriptor: descriptor)
    }

    func ready(_ flags: UInt32) {
        // A few at a time, so that other loops get their share of a burst.
        for _ in 0..<16 {
            let accepted = cplatform_accept(descriptor)
            switch accepted {
            case 0...: begin(Socket(descriptor: accepted))
            case -CPLATFORM_EMFILE, -CPLATFORM_ENFILE:
                guard shed() else { return }
            default: return
            }
        }
    }

    func turn() {}
    func deadlinePassed() {}
    func woken() {}

    private func begin(_ socket: Socket) {
        let count = context.connectionOpened()
        let limit = context.configuration.maximumConnections
        let connection = HTTPConnection(socket, loop, context)
        if count > limit { context.complain("too many connections: new ones are refused", at: loop.now) }
        // Those who are told so need descriptors, too: beyond some, they are closed without a word.
        guard count <= limit + 128 else { return connection.drop() }
        if connection.start() && count > limit { connection.refuse(.tooManyConnections) }
    }

    /// There are no descriptors: makes room by closing the oldest idle connection; where there is none, closes the next one in the
    /// queue instead of leaving it there. False when to stop for now.
    private func shed() -> Bool {
        context.complain("no descriptors left: connections are closed; raise the limit of open files", at: loop.now)
        if let idle = oldestIdle() {
            idle.close()
            return true
        }
        if reserve >= 0 { cplatform_close(reserve) }
        let accepted = cplatform_accept(descriptor)
        if accepted >= 0 { cplatform_close(accepted) }
        reserve = cplatform_reserve_descriptor()
        if accepted < 0 && accepted != -CPLATFORM_EAGAIN { pause() }
        return accepted >= 0
    }

    /// Somebody else took the reserve, too: waits instead of being woken again and again.
    private func pause() {
        unwatch()
        let resume = Resumption(listener: self)
        Task(executorPreference: loop) {
            try? await Task.sleep(for: .milliseconds(100))
            resume.listener.start()
        }
    }

    private struct Resumption: @unchecked Sendable {
        // Unchecked: used on the loop's thread only.
        let listener: Listener
    }

    private func oldestIdle() -> HTTPConnection? {
        loop.sources.compactMap { $0 as? HTTPConnection }.filter { $0.phase == .idle }.min { $0.since < $1.since }
    }
}
