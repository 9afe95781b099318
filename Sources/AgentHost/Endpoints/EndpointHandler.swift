/// Answers every request of the server: finds the endpoint, sends its answer or its refusal, opens it to other origins, writes the
/// access log.
struct EndpointHandler: HTTPHandler {
    let router: Router
    let cors: CORS
    let log: Logger
    var counters = RequestCounters()
    /// Silence in a stream after which a comment is sent, in milliseconds.
    var heartbeat: Int64 = 15_000

    func handle(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter) async {
        let start = monotonicNanoseconds()
        counters.began(request.method)
        var answer = await answer(EndpointRequest(head: request, body: body))
        if request.method != "OPTIONS" { cors.open(&answer, to: request) }
        var access = Access(request: request, status: answer.status, threadID: answer.threadID, start: start)
        switch answer.content {
        case .bytes(let bytes):
            // Status 0: there is nobody left to answer.
            if answer.status == 0 {
                access.status = Access.clientLeft
            } else {
                response.send(answer.status, answer.fields, bytes)
            }
            counters.ended(access.status)
            access.write(to: log)
        case .events(let source): stream(source, answer, response, access)
        }
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
        _ source: any ChatEventSource, _ answer: Answer, _ response: ResponseWriter, _ access: Access
    ) {
        let stream = EventStream(source, heartbeat: heartbeat, threadID: access.threadID) {
            [log, counters] complete, threadID in
            var access = access
            access.threadID = threadID
            if !complete { access.status = Access.clientLeft }
            counters.ended(access.status)
            access.write(to: log)
        }
        do {
            try response.stream(answer.status, answer.fields, stream)
        } catch {
            stream.ended(complete: false)
        }
    }
}

/// A line of the access log: one for each request, when it has ended.
private struct Access {
    /// Logged in place of a status when the client left before it had its whole answer, as other servers do.
    static let clientLeft = 499

    let id: String
    let method: String
    let path: String
    var status: Int
    var threadID: String?
    /// Nanoseconds of the monotonic clock.
    let start: Int64

    init(request: HTTPRequest, status: Int, threadID: String?, start: Int64) {
        // No more of the request: it would be kept for as long as a stream is open.
        id = request.id
        method = request.method
        path = String(request.path.prefix(256))
        self.status = status
        self.threadID = threadID
        self.start = start
    }

    /// The path goes without its query, which may hold a secret.
    func write(to log: Logger) {
        log.info(
            "request",
            [
                "evt": "http_access", "method": .string(method), "path": .string(path), "status": .int(Int64(status)),
                "duration_ms": .double(Double((monotonicNanoseconds() - start) / 1_000) / 1_000),
                "request_id": .string(id),
                "thread_id": threadID.map { .string(String($0.prefix(128))) } ?? .null,
            ])
    }
}
