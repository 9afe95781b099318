private import Synchronization

/// Writes events as an event stream (WHATWG HTML, "Server-sent events"; `chatkit-protocol.md` 1): `data: <JSON>` and an empty line
/// each. While there is nothing to say, a comment goes out now and then, so that proxies keep the connection and a client
/// that has silently gone is noticed.
struct EventStream: Sendable {
    let source: any ChatEventSource
    /// Silence after which a comment is sent, in milliseconds.
    var heartbeat: Int64 = 15_000

    /// Copies events until the source ends or the client leaves; the source is told of the latter. The response has begun and
    /// is not finished here.
    ///
    /// - Parameter seen: called with each batch, before it is written.
    /// - Returns: whether the stream came to its end.
    func run(into response: ResponseWriter, seen: (borrowing [ChatKit.Event]) -> Void = { _ in }) async -> Bool {
        let heart = Heartbeat(source, every: heartbeat)
        heart.start()
        defer { heart.stop() }
        while let events = await source.next() {
            seen(events)
            do {
                try await response.write(EventStream.encode(events))
            } catch {
                source.leave()
                return false
            }
            heart.postpone()
        }
        return !Task.isCancelled
    }

    /// One batch; the comment when it is empty.
    static func encode(_ events: [ChatKit.Event]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(max(events.count, 1) * 224)
        var writer = JSONWriter(bytes)
        for event in events {
            writer.append("data: ")
            event.encode(into: &writer)
            writer.append("\n\n")
        }
        if events.isEmpty { writer.append(": ping\n\n") }
        return writer.bytes
    }
}

/// Nudges the source whenever nothing was written for a while: the reader then gets an empty batch and writes a comment. So there
/// is one writer only, the wait for events is never cancelled, and an event costs nothing.
///
/// On the timer of the process: a Task of its own that sleeps would cost a stream tens of microseconds and kilobytes.
private final class Heartbeat: Sendable {
    private let source: any ChatEventSource
    private let interval: Int64
    /// When something was last written, in milliseconds of the monotonic clock.
    private let written = Atomic(monotonicMilliseconds())
    private let state = Mutex(State())

    private struct State {
        var timer: DeadlineTimer.Token?
        var isOver = false
    }

    init(_ source: any ChatEventSource, every interval: Int64) {
        self.source = source
        self.interval = interval
    }

    func start() { schedule(at: written.load(ordering: .relaxed) + interval) }

    /// Something was written.
    func postpone() { written.store(monotonicMilliseconds(), ordering: .relaxed) }

    func stop() {
        let timer = state.withLock { state in
            state.isOver = true
            return state.timer.take()
        }
        if let timer { DeadlineTimer.shared.cancel(timer) }
    }

    private func schedule(at time: Int64) {
        // The timer takes no lock of ours while it holds its own.
        state.withLock { state in
            if !state.isOver { state.timer = DeadlineTimer.shared.schedule(at: time) { self.beat() } }
        }
    }

    /// On the timer's thread.
    private func beat() {
        let now = monotonicMilliseconds()
        var due = written.load(ordering: .relaxed) + interval
        if due <= now {
            source.nudge()
            due = now + interval
        }
        schedule(at: due)
    }
}
