// Clients that come back to a turn, and the one that ends it: `docs/resuming.md`.

/// `GET …/threads/{id}/events`: what a client missed of a turn, and what comes until its end.
struct ThreadEventsEndpoint: Endpoint {
    let chatKit: ChatKitEndpoint

    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        let call = try await chatKit.call(request.head)
        let cursor = try ThreadEventsEndpoint.cursor(of: request.head)
        let thread = try await chatKit.thread(request.head.threadInPath, call)
        let reader: TurnReader?
        do {
            reader = try chatKit.engine.resume(thread: thread.id, owner: call.owner, after: cursor)
        } catch {
            throw Refusal(.gap, "What came next is not kept here any more; load the thread again.")
        }
        // By this a client knows, too, that it need not ask again (WHATWG HTML, "Server-sent events").
        guard let reader else { return Answer(status: 204, fields: ["Cache-Control": "no-store"], content: .bytes([])) }
        var answer = request.head.wantsNoStream ? try await EventDocument.collect(reader) : .stream(reader)
        answer.threadID = thread.id
        return answer
    }

    /// Where the client is; the header wins.
    private static func cursor(of request: HTTPRequest) throws(Refusal) -> EventCursor? {
        var texts = request.fields.values("Last-Event-ID")
        if texts.isEmpty { texts = request.queryValues("after") }
        guard let text = texts.first else { return nil }
        guard texts.count == 1, let cursor = EventCursor(text) else {
            throw Refusal(
                .invalidRequest, "Last-Event-ID (or after) must be the id of an event of this thread, sent once.")
        }
        return cursor
    }
}

/// `POST …/threads/{id}/stop`: ends the turn that runs. The body does not matter.
struct ThreadStopEndpoint: Endpoint {
    let chatKit: ChatKitEndpoint

    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        let call = try await chatKit.call(request.head)
        do {
            _ = try await request.body.collect(upTo: ChatKitEndpoint.maximumBody)
        } catch {
            throw Refusal(error)
        }
        let thread = try await chatKit.thread(request.head.threadInPath, call)
        chatKit.engine.stop(thread: thread.id, owner: call.owner)
        var answer = Answer.emptyObject
        answer.threadID = thread.id
        return answer
    }
}

extension Router {
    /// Adds the routes of the ChatKit protocol.
    mutating func addChatKit(_ chatKit: ChatKitEndpoint) {
        addGateway("POST", "/chatkit", chatKit)
        addGateway("GET", "/chatkit/threads/*/events", ThreadEventsEndpoint(chatKit: chatKit))
        addGateway("POST", "/chatkit/threads/*/stop", ThreadStopEndpoint(chatKit: chatKit))
    }
}

extension HTTPRequest {
    /// The part of the path before the last. Ids need no percent-encoding: one that has any names nothing.
    fileprivate var threadInPath: String {
        let parts = path.split(separator: "/")
        return parts.count > 1 ? String(parts[parts.count - 2]) : ""
    }

    /// The values of a parameter of the query, as they are sent.
    fileprivate func queryValues(_ name: String) -> [String] {
        (query ?? "").split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts[0] == name ? parts.dropFirst().first.map(String.init) ?? "" : nil
        }
    }
}
