/// Answers every request of the server: finds the endpoint, sends its answer or its refusal, opens it to other origins, writes the
/// access log.
struct EndpointHandler: HTTPHandler {
    let router: Router
    let cors: CORS
    let log: Logger
    /// Silence in a stream after which a comment is sent, in milliseconds.
    var heartbeat: Int64 = 15_000

    func handle(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter) async {
        let start = monotonicNanoseconds()
        var answer = await answer(EndpointRequest(head: request, body: body))
        if request.method != "OPTIONS" { cors.open(&answer, to: request) }
        var access = Access(request: request, status: answer.status, threadID: answer.threadID)
        switch answer.content {
        // Status 0: there is nobody left to answer.
        case .bytes(let bytes) where answer.status != 0: await response.send(answer.status, answer.fields, bytes)
        case .bytes: access.status = Access.clientLeft
        case .events(let source): await stream(source, answer, response, &access)
        }
        access.microseconds = (monotonicNanoseconds() - start) / 1_000
        access.write(to: log)
    }

    private func answer(_ request: EndpointRequest) async -> Answer {
        if request.head.method == "OPTIONS" { return cors.preflight(request.head) }
        do {
            let endpoint = try router.endpoint(for: request.head.method, request.head.path)
            return try await endpoint.answer(request)
        } catch {
            return error.answer
        }
    }

    private func stream(
        _ source: any ChatEventSource, _ answer: Answer, _ response: ResponseWriter, _ access: inout Access
    ) async {
        do {
            try response.beginStream(answer.status, answer.fields)
        } catch {
            source.leave()
            access.status = Access.clientLeft
            return
        }
        let stream = EventStream(source: source, heartbeat: heartbeat)
        var threadID = access.threadID
        let ended = await stream.run(into: response) { events in
            guard threadID == nil else { return }
            for case .threadCreated(let thread) in events { threadID = thread.id }
        }
        access.threadID = threadID
        access.status = ended ? answer.status : Access.clientLeft
        // An unfinished response is cut by the server: the client must not take it for complete.
        if ended { await response.finish() }
    }
}

/// A line of the access log: one for each request, when it has ended.
private struct Access {
    /// Logged in place of a status when the client left before it had its whole answer, as other servers do.
    static let clientLeft = 499

    let request: HTTPRequest
    var status: Int
    var threadID: String?
    var microseconds: Int64 = 0

    init(request: HTTPRequest, status: Int, threadID: String?) {
        self.request = request
        self.status = status
        self.threadID = threadID
    }

    /// The path goes without its query, which may hold a secret.
    func write(to log: Logger) {
        log.info(
            "request",
            [
                "evt": "http_access", "method": .string(request.method),
                "path": .string(String(request.path.prefix(256))), "status": .int(Int64(status)),
                "duration_ms": .double(Double(microseconds) / 1_000), "request_id": .string(request.id),
                "thread_id": threadID.map { .string(String($0.prefix(128))) } ?? .null,
            ])
    }
}
