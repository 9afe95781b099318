/// Why a request was refused, or why an exchange ended early.
struct HTTPError: Error, Sendable, Equatable {
    /// The status to answer with; 0 when there is nobody left to answer.
    var status: Int
    /// Stable, for machines.
    var code: String
    /// For people: what is wrong and, where there is a remedy, what to do.
    var message: String

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// The client closed its connection, or was cut off because it did not read.
    static let clientLeft = HTTPError(0, "client_left", "The client closed the connection.")
    /// The Task was cancelled while it waited for the client.
    static let cancelled = HTTPError(0, "cancelled", "The exchange was cancelled.")
    static let responseAlreadyBegun = HTTPError(500, "response_already_begun", "A response is begun at most once.")
    static let invalidField = HTTPError(
        500, "invalid_response_field", "A response field holds a character that is not allowed there.")
    static let bodyTimeout = HTTPError(
        408, "body_timeout", "The request's body did not arrive in time; send it again, faster.")
    static let headTimeout = HTTPError(408, "head_timeout", "The request's head did not arrive in time.")
    static let tooManyConnections = HTTPError(
        503, "too_many_connections", "The server has all the connections it accepts; try again later.")

    static func bodyTooLarge(_ limit: Int) -> HTTPError {
        HTTPError(413, "body_too_large", "The request's body is larger than the \(limit) bytes allowed here.")
    }

    /// The body of an answer that reports this error: `{"error": sentence, "code": code}`.
    var body: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("error", message)
            $0.member("code", code)
        }
        return writer.bytes
    }

    /// The fields that go with `body`.
    static var fields: HTTPFields { ["Content-Type": "application/json", "Cache-Control": "no-store"] }
}
