/// What an HTTP server is made with. All times are milliseconds, all sizes bytes; the defaults are those of `reliability.md` 4.
struct HTTPServerConfiguration: Sendable {
    var host = "127.0.0.1"
    /// 0 means any free port.
    var port = 8000
    /// Event loops; 0 means one per core.
    var loops = 0
    var limits = HTTPLimits()
    /// No body may be larger, whatever its handler allows: refused before the handler runs.
    var maximumBody = 32 << 20
    /// From the first byte of a request to the end of its head.
    var headDeadline: Int64 = 10_000
    /// For a body, in addition to the time it takes at `bodyRate`; the time in which the handler does not read is not counted.
    var bodyDeadline: Int64 = 30_000
    /// Bytes a second that a client must manage.
    var bodyRate: Int64 = 16 << 10
    /// Between requests.
    var idleDeadline: Int64 = 75_000
    /// Without a byte leaving while there is something to send.
    var sendDeadline: Int64 = 60_000
    /// How long a handler that has not begun its response may go on for a client that has shut down its side: it could be one that
    /// still reads (`shutdown(SHUT_WR)`), or one that closed. After it the client counts as gone.
    var halfCloseDeadline: Int64 = 2_000
    /// How long what the client still sends is thrown away after the last response, so that it reaches the client.
    var lingerDeadline: Int64 = 5_000
    /// At most so much is thrown away.
    var lingerBytes = 16 << 20
    /// From the cancellation of the handlers to the cutting of their connections, at a stop.
    var cancelDeadline: Int64 = 2_000
    /// More connections are answered 503 and closed.
    var maximumConnections = 16_384
    /// Unsent bytes above which nothing more is taken from the source of a stream.
    var outputHighWater = 64 << 10
    /// Told of each request that ended, on its loop's thread. Status 499: the client left first.
    var onAccess: (@Sendable (HTTPAccess) -> Void)?
}

/// One request that ended.
struct HTTPAccess: Sendable {
    var request: HTTPRequest
    var status: Int
    /// Bytes of the response's body.
    var bytes: Int
    var milliseconds: Double
}
