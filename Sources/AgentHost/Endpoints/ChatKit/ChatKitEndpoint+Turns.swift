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
        try await checkExists(item, in: thread, call)
        return try await stream(call) { origin throws(TurnError) in
            try await engine.retry(thread: thread, after: item, origin: origin)
        }
    }

    func goOn(_ thread: String, with result: JSON, _ call: Call) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(thread) else { throw .threadNotFound }
        return try await stream(call) { origin throws(TurnError) in
            try await engine.addClientToolOutput(result, thread: thread, origin: origin)
        }
    }

    func answer(
        _ input: ChatKit.StructuredInputSubmission, to item: String, in thread: String, _ call: Call
    ) async throws(Refusal) -> Answer {
        try await checkExists(item, in: thread, call)
        return try await stream(call) { origin throws(TurnError) in
            try await engine.addStructuredInput(input, item: item, thread: thread, origin: origin)
        }
    }

    func act(_ action: ChatKit.ActionCall, _ call: Call) async throws(Refusal) -> Answer {
        try await checkExists(action.item, in: action.thread, call)
        return try await stream(call) { origin throws(TurnError) in
            try await engine.customAction(action, origin: origin)
        }
    }

    func agent(for call: Call) throws(Refusal) -> String {
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
        let reader: TurnReader
        do {
            reader = try await begin(call.origin)
        } catch {
            throw Refusal(error)
        }
        return call.head.wantsNoStream ? try await EventDocument.collect(reader) : .stream(reader)
    }
}

extension ChatKitEndpoint {
    /// Ids that cannot be ours are not looked up. A thread that is not there is said to be so before an item that is not.
    func checkExists(_ item: String?, in thread: String, _ call: Call) async throws(Refusal) {
        guard ChatKitEndpoint.mayExist(thread) else { throw .threadNotFound }
        guard let item, !ChatKitEndpoint.mayExist(item) else { return }
        _ = try await self.thread(thread, call)
        throw .itemNotFound
    }
}

extension ChatKitEndpoint.Call {
    var origin: TurnOrigin {
        TurnOrigin(
            owner: owner, requestID: head.id, locale: head.locale, metadata: .object(metadata), resumes: head.resumes,
            canAsk: true)
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
    var wantsNoStream: Bool { fields["X-ChatKit-Stream"]?.lowercased() == "off" }

    /// A client that comes back to a turn whose stream it has lost says so.
    fileprivate var resumes: Bool { fields["X-ChatKit-Resume"] == "1" }
}
