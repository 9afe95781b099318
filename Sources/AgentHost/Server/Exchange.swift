/// One request on its way through a connection. Confined to the connection's loop.
final class Exchange {
    /// Without its fields once the handler has returned.
    var request: HTTPRequest
    let body: RequestBody
    let response: ResponseWriter
    /// Nanoseconds of the monotonic clock.
    let started = monotonicNanoseconds()
    var task: Task<Void, Never>?
    /// What the body of the response is taken from, once it has begun.
    var stream: ResponseStream?
    var handlerReturned = false
    /// Whether `100 Continue` is still owed.
    var owesContinue: Bool
    /// When the body must be complete; moved on by the time in which the handler does not read.
    var bodyDeadline: Int64
    /// Since when the connection does not read because the handler does not.
    var pausedSince: Int64?

    init(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter, bodyDeadline: Int64) {
        self.request = request
        self.body = body
        self.response = response
        self.bodyDeadline = bodyDeadline
        owesContinue = request.expectsContinue
    }
}
