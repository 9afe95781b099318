/// Writes events as an event stream (WHATWG HTML, "Server-sent events"; `chatkit-protocol.md` 1): `data: <JSON>` and an empty line
/// each. While there is nothing to say, a comment goes out now and then, so that proxies keep the connection and a client
/// that has silently gone is noticed.
final class EventStream: ResponseSource, @unchecked Sendable {
    // Unchecked: `threadID` and `cursor` are touched on the connection's loop only.
    private let source: any ChatEventSource
    let heartbeatInterval: Int64?
    /// Of the first `thread.created`, when the request named no thread.
    private var threadID: String?
    /// Behind the last event that was written, when the client is told where it is.
    private var cursor: EventCursor?
    private let onEnd: @Sendable (_ complete: Bool, _ threadID: String?) -> Void

    /// - Parameters:
    ///   - heartbeat: silence after which a comment is sent, in milliseconds.
    ///   - threadID: the thread that the request is about, if it named one.
    ///   - onEnd: called once when the response is over: whether it is complete, and the thread it is about.
    init(
        _ source: any ChatEventSource, heartbeat: Int64, threadID: String? = nil,
        onEnd: @escaping @Sendable (_ complete: Bool, _ threadID: String?) -> Void
    ) {
        self.source = source
        cursor = source.cursor
        heartbeatInterval = heartbeat
        self.threadID = threadID
        self.onEnd = onEnd
    }

    func begin(ready: @escaping @Sendable () -> Void) { source.onReady(ready) }

    func read(into bytes: inout [UInt8], limit: Int) -> ResponseProgress {
        switch source.take(limit: limit) {
        case .events(let events):
            noteThread(events)
            EventStream.encode(events, after: &cursor, into: &bytes)
            return .more
        case .nothing: return .waiting
        case .end: return .ended
        case .dropped: return .broken
        }
    }

    func writeHeartbeat(into bytes: inout [UInt8]) { bytes += ": ping\n\n".utf8 }

    /// The source is told when the client has left before the end.
    func ended(complete: Bool) {
        if !complete { source.leave() }
        onEnd(complete, threadID)
    }

    private func noteThread(_ events: [ChatKit.Event]) {
        guard threadID == nil else { return }
        for case .threadCreated(let thread) in events { threadID = thread.id }
    }

    /// Appends one batch.
    ///
    /// - Parameter cursor: where the client is: it is told so with each event; nil when it is not.
    static func encode(_ events: [ChatKit.Event], after cursor: inout EventCursor?, into bytes: inout [UInt8]) {
        var buffer: [UInt8] = []
        swap(&buffer, &bytes)
        var writer = JSONWriter(buffer)
        // The writer must be the only one to hold the buffer, or its first append copies it.
        buffer = []
        if cursor == nil {
            for event in events { event.encode(into: &writer, prefix: "data: ", suffix: "\n\n") }
        } else {
            for event in events { encode(event, after: &cursor, into: &writer) }
        }
        bytes = writer.take()
    }

    /// Appends an event with an `id` before it; several for several text deltas.
    private static func encode(_ event: ChatKit.Event, after cursor: inout EventCursor?, into writer: inout JSONWriter)
    {
        if case .itemUpdated(let id, .textDeltas(let index, let deltas)) = event, deltas.count > 1 {
            deltas.forEach { piece in
                var delta = ChatKit.TextDeltas()
                delta.append(utf8: piece)
                encode(.itemUpdated(id: id, .textDeltas(index: index, delta)), after: &cursor, into: &writer)
            }
            return
        }
        cursor?.number += 1
        writer.append("id: ")
        if let cursor { writer.raw(cursor.text.utf8) }
        writer.append("\n")
        event.encode(into: &writer, prefix: "data: ", suffix: "\n\n")
    }
}
