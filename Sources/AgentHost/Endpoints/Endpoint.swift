/// Answers the requests of one route. Called from any thread, several times at once.
///
/// All that can fail fails before there is an answer: once a stream is open, trouble is an event.
protocol Endpoint: Sendable {
    /// Runs as part of the request's Task, which is cancelled when the client leaves.
    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer
}

/// A request and its body.
struct EndpointRequest: Sendable {
    let head: HTTPRequest
    let body: RequestBody
}

/// What goes back to the client.
struct Answer: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        /// Server-sent events, as they come.
        case events(any ChatEventSource)
    }
    var status: Int
    var fields: HTTPFields
    var content: Content
    /// For the access log; nil when the request is about no thread, or makes a new one.
    var threadID: String?

    /// A JSON document.
    static func json(_ bytes: [UInt8], status: Int = 200) -> Answer {
        Answer(
            status: status, fields: ["Content-Type": "application/json", "Cache-Control": "no-store"],
            content: .bytes(bytes))
    }

    /// `{}`
    static var emptyObject: Answer { .json(Array("{}".utf8)) }

    /// A stream of events. Proxies are told to pass each on at once.
    static func stream(_ source: any ChatEventSource) -> Answer {
        Answer(
            status: 200,
            fields: [
                "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
            ],
            content: .events(source))
    }
}
