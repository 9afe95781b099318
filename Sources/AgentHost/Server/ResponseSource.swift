/// Where the body of a response that lasts comes from. The connection takes from it what the client can be sent: a client that reads
/// slowly slows its source, and while there is nothing to send no Task waits.
///
/// All functions but the one handed to `begin` are called on the connection's loop, and must not block.
protocol ResponseSource: AnyObject, Sendable {
    /// The response begins. `ready` is to be called, from any thread, as soon as there is something again after a `read` that answered
    /// `waiting`.
    func begin(ready: @escaping @Sendable () -> Void)

    /// Appends what there is to `bytes`: not much more than `limit` bytes at once.
    func read(into bytes: inout [UInt8], limit: Int) -> ResponseProgress

    /// Milliseconds without a byte after which `writeHeartbeat` is called; nil for never.
    var heartbeatInterval: Int64? { get }

    /// Appends what tells client and proxies that the response goes on.
    func writeHeartbeat(into bytes: inout [UInt8])

    /// The response is over. Called once, and nothing after it.
    ///
    /// - Parameter complete: whether everything was taken; else the client left, or the server stops.
    func ended(complete: Bool)
}

/// What a `read` of a source came to.
enum ResponseProgress: Sendable {
    /// There may be more right now.
    case more
    /// There is nothing now; `ready` will be called.
    case waiting
    /// That was all.
    case ended
    /// There would be more, but not for this client: the connection is cut, so that it is not taken for the end.
    case broken
}

/// A source on its way through a connection. Confined to the connection's loop.
final class ResponseStream {
    let source: any ResponseSource
    private(set) var isOver = false
    /// Whether `read` is worth while.
    var isReady = true
    /// When bytes were last taken, in milliseconds of the monotonic clock.
    var lastBytes: Int64

    init(_ source: any ResponseSource, now: Int64) {
        self.source = source
        lastBytes = now
    }

    /// When the next heartbeat is due.
    var heartbeatDue: Int64? { isOver ? nil : source.heartbeatInterval.map { lastBytes + $0 } }

    /// Tells the source, once.
    func end(complete: Bool) {
        guard !isOver else { return }
        isOver = true
        source.ended(complete: complete)
    }
}
