/// Answers requests.
protocol HTTPHandler: Sendable {
    /// Answers one request. Runs as a Task on the connection's event loop, so it must not block; is cancelled when the client leaves.
    ///
    /// Returning without a response makes it a 500 (or the error that broke the request's body); returning with an unfinished
    /// stream cuts the connection, so that the client does not take the part for the whole.
    func handle(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter) async
}
