// The operations that run an agent: answered with a stream.

extension ChatKitEndpoint {
    func create(_ input: ChatKit.UserMessageInput, _ call: Call) async throws(Refusal) -> Answer {
        let message = try ChatKitEndpoint.message(input)
        let agent = try agent(for: call)
        return try await stream(call) { origin throws(TurnError) in
            try await engine.create(agent: agent, message: message, origin: origin)
        }
    }

    func add(_ input: ChatKit.UserMessageInput, to thread: String, _ call: Call) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(thread) else { throw .threadNotFound }
        // A thread that is not there is said to be so before an attachment that is not.
        if !input.attachments.isEmpty { _ = try await self.thread(thread, call) }
        let message = try ChatKitEndpoint.message(input)
        return try await stream(call) { origin throws(TurnError) in
            try await engine.add(to: thread, message: message, origin: origin)
        }
    }

    func retry(_ thread: String, after item: String, _ call: Call) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(thread) else { throw .threadNotFound }
        guard ChatKitEndpoint.mayExist(item) else {
            _ = try await self.thread(thread, call)
            throw .itemNotFound
        }
        return try await stream(call) { origin throws(TurnError) in
            try await engine.retry(thread: thread, after: item, origin: origin)
        }
    }

    private func agent(for call: Call) throws(Refusal) -> String {
        let wish = AgentRouter.Wish(
            metadata: call.metadata, headers: call.head.fields.values("X-ChatKit-Agent"), routeDefault: routeDefault)
        do {
            return try agents.choose(wish)
        } catch {
            throw Refusal(error)
        }
    }

    /// No attachment can exist as long as none can be made.
    private static func message(_ input: ChatKit.UserMessageInput) throws(Refusal) -> ChatKit.UserMessage {
        guard input.attachments.isEmpty else {
            throw Refusal(.attachmentNotFound, "There is no such attachment; create it before it is sent.")
        }
        return input.messageWithoutAttachments
    }

    private func stream(
        _ call: Call, _ begin: (TurnOrigin) async throws(TurnError) -> TurnReader
    ) async throws(Refusal) -> Answer {
        let origin = TurnOrigin(
            owner: call.owner, requestID: call.head.id, locale: call.head.locale, metadata: .object(call.metadata))
        let reader: TurnReader
        do {
            reader = try await begin(origin)
        } catch {
            throw Refusal(error)
        }
        return call.head.wantsNoStream ? try await EventDocument.collect(reader) : .stream(reader)
    }
}

extension HTTPRequest {
    /// The first language of `Accept-Language`, of which ChatKit sends exactly one; empty when there is none that looks like one.
    fileprivate var locale: String {
        let languages = fields["Accept-Language"] ?? ""
        let first = languages.prefix { $0 != "," && $0 != ";" && $0 != " " }
        let isTag =
            first.utf8.count <= 35 && first.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        return isTag ? String(first) : ""
    }

    /// A client that cannot read streams says so (`seed-contracts.md` 2.1).
    fileprivate var wantsNoStream: Bool { fields["X-ChatKit-Stream"]?.lowercased() == "off" }
}
