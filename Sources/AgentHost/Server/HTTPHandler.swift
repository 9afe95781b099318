/// Answers requests.
protocol HTTPHandler: Sendable {
    /// Answers one request. Runs as a Task on the connection's event loop, so it must not block; is cancelled when the client leaves.
    ///
    /// Returning without a response makes it a 500 (or the error that broke the request's body). A stream goes on when the handler has
    /// returned.
    func handle(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter) async
}
