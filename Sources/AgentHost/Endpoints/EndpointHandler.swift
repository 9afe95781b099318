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
        // There is nobody left to answer.
        guard answer.status != 0 else { return }
        if request.method != "OPTIONS" { cors.open(&answer, to: request) }
        var threadID = answer.threadID
        switch answer.content {
        case .bytes(let bytes): await response.send(answer.status, answer.fields, bytes)
        case .events(let source): await stream(source, answer, response, &threadID)
        }
        let microseconds = (monotonicNanoseconds() - start) / 1_000
        log.info(
            "request",
            [
                "evt": "http_access", "method": .string(request.method),
                "path": .string(String(request.path.prefix(256))),
                "status": .int(Int64(answer.status)), "duration_ms": .double(Double(microseconds) / 1_000),
                "request_id": .string(request.id), "thread_id": threadID.map { .string($0) } ?? .null,
            ])
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
        _ source: any ChatEventSource, _ answer: Answer, _ response: ResponseWriter, _ threadID: inout String?
    ) async {
        do {
            try response.beginStream(answer.status, answer.fields)
        } catch {
            source.leave()
            return
        }
        let stream = EventStream(source: source, heartbeat: heartbeat)
        let ended = await stream.run(into: response) { events in
            guard threadID == nil else { return }
            for case .threadCreated(let thread) in events { threadID = thread.id }
        }
        // An unfinished response is cut by the server: the client must not take it for complete.
        if ended { await response.finish() }
    }
}
