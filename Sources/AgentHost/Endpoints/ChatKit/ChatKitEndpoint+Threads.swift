// The operations that are answered with a JSON document.

extension ChatKitEndpoint {
    /// Ids are opaque, but no id of ours is longer; a longer one names nothing.
    private static let maximumID = 128

    /// The caller's thread. One that is missing and one of somebody else are refused alike.
    func thread(_ id: String, _ call: Call) async throws(Refusal) -> StoredThread {
        guard ChatKitEndpoint.mayExist(id) else { throw .threadNotFound }
        let found: StoredThread?
        do {
            found = try await store.thread(id, owner: call.owner)
        } catch {
            throw Refusal(error, log: call.log)
        }
        guard let found else { throw .threadNotFound }
        return found
    }

    static func mayExist(_ id: String) -> Bool { (1...maximumID).contains(id.utf8.count) }

    /// The thread with its first items, oldest first.
    func get(_ id: String, _ call: Call) async throws(Refusal) -> Answer {
        let thread = try await thread(id, call)
        let page = PageRequest(limit: ChatKit.PageParameters.defaultLimit, order: .ascending, after: nil)
        let items = try await items(of: id, page, call)
        var writer = JSONWriter()
        thread.chatKit.encode(
            into: &writer, items: items.elements.map(\.json), hasMore: items.hasMore, after: items.elements.last?.id)
        return .json(writer.bytes)
    }

    func listThreads(_ parameters: ChatKit.PageParameters, _ call: Call) async throws(Refusal) -> Answer {
        let page = try ChatKitEndpoint.page(parameters)
        let threads: StoredPage<StoredThread>
        do {
            threads = try await store.threads(owner: call.owner, page: page)
        } catch {
            throw Refusal(error, log: call.log)
        }
        let elements = threads.elements.map { thread in
            var writer = JSONWriter()
            thread.chatKit.encode(into: &writer)
            return writer.bytes
        }
        return ChatKitEndpoint.answer(elements, threads.hasMore, last: threads.elements.last?.id)
    }

    func listItems(
        of id: String, _ parameters: ChatKit.PageParameters, _ call: Call
    ) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(id) else { throw .threadNotFound }
        let items = try await items(of: id, try ChatKitEndpoint.page(parameters), call)
        return ChatKitEndpoint.answer(items.elements.map(\.json), items.hasMore, last: items.elements.last?.id)
    }

    func update(_ id: String, title: String, _ call: Call) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(id) else { throw .threadNotFound }
        do {
            let thread = try await engine.updateTitle(
                title, thread: id, owner: call.owner, requestID: call.head.id)
            var writer = JSONWriter()
            thread.encode(into: &writer)
            return .json(writer.bytes)
        } catch {
            throw Refusal(error)
        }
    }

    /// A thread that is not there is deleted already.
    func delete(_ id: String, _ call: Call) async throws(Refusal) -> Answer {
        guard ChatKitEndpoint.mayExist(id) else { return .emptyObject }
        do {
            try await engine.delete(thread: id, owner: call.owner)
        } catch {
            if error.kind == .threadNotFound { return .emptyObject }
            throw Refusal(error)
        }
        return .emptyObject
    }

    private func items(
        of thread: String, _ page: PageRequest, _ call: Call
    ) async throws(Refusal) -> StoredPage<StoredItem> {
        do {
            return try await store.items(thread: thread, owner: call.owner, page: page)
        } catch {
            throw Refusal(error, log: call.log)
        }
    }

    private static func page(_ parameters: ChatKit.PageParameters) throws(Refusal) -> PageRequest {
        if let after = parameters.after, !mayExist(after) { throw .cursorNotFound }
        return PageRequest(
            limit: parameters.limit, order: parameters.order == .ascending ? .ascending : .descending,
            after: parameters.after)
    }

    private static func answer(_ elements: [[UInt8]], _ hasMore: Bool, last: String?) -> Answer {
        var writer = JSONWriter()
        ChatKit.encodePage(elements, hasMore: hasMore, after: last, into: &writer)
        return .json(writer.bytes)
    }
}
