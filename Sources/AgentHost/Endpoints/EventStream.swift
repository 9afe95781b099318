/// Writes events as an event stream (WHATWG HTML, "Server-sent events"; `chatkit-protocol.md` 1): `data: <JSON>` and an empty line
/// each. While there is nothing to say, a comment goes out now and then, so that proxies keep the connection and a client
/// that has silently gone is noticed.
final class EventStream: ResponseSource, @unchecked Sendable {
    // Unchecked: `threadID` is touched on the connection's loop only.
    private let source: any ChatEventSource
    let heartbeatInterval: Int64?
    /// Of the first `thread.created`, when the request named no thread.
    private var threadID: String?
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
        heartbeatInterval = heartbeat
        self.threadID = threadID
        self.onEnd = onEnd
    }

    func begin(ready: @escaping @Sendable () -> Void) { source.onReady(ready) }

    func read(into bytes: inout [UInt8], limit: Int) -> ResponseProgress {
        switch source.take(limit: limit) {
        case .events(let events):
            noteThread(events)
            EventStream.encode(events, into: &bytes)
            return .more
        case .nothing: return .waiting
        case .end: return .ended
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
    static func encode(_ events: [ChatKit.Event], into bytes: inout [UInt8]) {
        var buffer: [UInt8] = []
        swap(&buffer, &bytes)
        var writer = JSONWriter(buffer)
        // The writer must be the only one to hold the buffer, or its first append copies it.
        buffer = []
        for event in events { event.encode(into: &writer, prefix: "data: ", suffix: "\n\n") }
        bytes = writer.take()
    }
}
