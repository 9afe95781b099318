/// Lets pages of other origins call the server (Fetch standard, "CORS protocol"; `seed-contracts.md` 1.8).
struct CORS: Sendable {
    /// `CORS_ORIGINS`: only these may call, and with credentials. Nil: every origin may, without credentials.
    var origins: Set<String>?

    private static let methods = "GET,POST,PUT,PATCH,DELETE,OPTIONS"
    private static let defaultHeaders = "Content-Type, Authorization"
    private static let exposedHeaders = "ETag, Content-Disposition, X-Request-ID, Mcp-Session-Id"

    /// The answer to `OPTIONS` on any route; needs no credential.
    func preflight(_ request: HTTPRequest) -> Answer {
        var fields = allowOrigin(of: request)
        fields.append("Access-Control-Allow-Methods", CORS.methods)
        fields.append(
            "Access-Control-Allow-Headers", request.fields["Access-Control-Request-Headers"] ?? CORS.defaultHeaders)
        fields.append("Access-Control-Max-Age", "600")
        return Answer(status: 204, fields: fields, content: .bytes([]))
    }

    /// Adds what lets a page read the answer.
    func open(_ answer: inout Answer, to request: HTTPRequest) {
        for (name, value) in allowOrigin(of: request).all { answer.fields.append(name, value) }
        answer.fields.append("Access-Control-Expose-Headers", CORS.exposedHeaders)
    }

    private func allowOrigin(of request: HTTPRequest) -> HTTPFields {
        let origin = request.fields["Origin"]
        guard let origins else {
            return ["Access-Control-Allow-Origin": origin ?? "*", "Vary": "Origin"]
        }
        // The answer depends on the origin also when it does not allow one: caches must know.
        guard let origin, origins.contains(origin) else { return ["Vary": "Origin"] }
        return [
            "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
        ]
    }
}
