/// The versions of HTTP that are served.
enum HTTPVersion: Sendable, Equatable {
    case http10, http11
}

/// How the end of a request's body is found (RFC 9112, section 6).
enum HTTPFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
}

/// The head of a request.
struct HTTPRequest: Sendable {
    /// As sent: methods are case-sensitive.
    var method: String
    /// The request target as sent.
    var target: String
    /// The target's path, still percent-encoded; begins with `/`, or is `*`.
    var path: String
    /// What follows the first `?` of the target, still percent-encoded.
    var query: String?
    var version: HTTPVersion
    var fields: HTTPFields
    var framing: HTTPFraming
    /// Whether the client waits for `100 Continue` before it sends the body.
    var expectsContinue: Bool
    /// Whether the client would send another request on this connection.
    var keepsAlive: Bool
    /// Names the request in logs and in `X-Request-ID`: the client's own, or one made by the server.
    var id = ""

    /// The client's `X-Request-ID`, if it is 1 to 128 visible ASCII characters.
    var clientID: String? {
        guard let id = fields["X-Request-ID"], (1...128).contains(id.utf8.count),
            id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return id
    }
}
