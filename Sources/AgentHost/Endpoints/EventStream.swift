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
        let lastWrite = LastWrite()
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await beat(lastWrite) }
            let ended = await copy(into: response, lastWrite, seen)
            group.cancelAll()
            return ended
        }
    }

    private func copy(
        into response: ResponseWriter, _ lastWrite: LastWrite, _ seen: (borrowing [ChatKit.Event]) -> Void
    ) async -> Bool {
        while let events = await source.next() {
            seen(events)
            do {
                try await response.write(EventStream.encode(events))
            } catch {
                source.leave()
                return false
            }
            lastWrite.update()
        }
        return !Task.isCancelled
    }

    /// Nudges the source whenever nothing was written for a while: the reader then gets an empty batch and writes a comment. So
    /// there is one writer only, the wait for events is never cancelled, and an event costs nothing.
    private func beat(_ lastWrite: LastWrite) async {
        while !Task.isCancelled {
            let due = lastWrite.time + heartbeat
            let now = monotonicMilliseconds()
            if due <= now { source.nudge() }
            try? await Task.sleep(for: .milliseconds(due <= now ? heartbeat : due - now))
        }
    }

    /// One batch; the comment when it is empty.
    static func encode(_ events: [ChatKit.Event]) -> [UInt8] {
        var writer = JSONWriter()
        for event in events {
            writer.append("data: ")
            event.encode(into: &writer)
            writer.append("\n\n")
        }
        if events.isEmpty { writer.append(": ping\n\n") }
        return writer.bytes
    }

    /// When something was last written, in milliseconds of the monotonic clock.
    private final class LastWrite: Sendable {
        private let milliseconds = Atomic(monotonicMilliseconds())
        var time: Int64 { milliseconds.load(ordering: .relaxed) }
        func update() { milliseconds.store(monotonicMilliseconds(), ordering: .relaxed) }
    }
}
