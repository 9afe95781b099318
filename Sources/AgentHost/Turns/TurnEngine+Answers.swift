// Turns that go on from something other than a message: the answers to what the agent asked of the page or the person, and actions
// of widgets (`chatkit-protocol.md` 7).

extension TurnEngine {
    /// Goes on with the result of the newest client tool call that waits for one, whatever came after it in the thread. Other calls
    /// that wait are removed.
    ///
    /// - Throws: `not_pending` when none waits.
    func addClientToolOutput(
        _ result: JSON, thread threadID: String, origin: TurnOrigin
    ) async throws(TurnError) -> TurnReader {
        let (thread, agent) = try await boundThread(threadID, origin)
        let calls = try await read(origin.requestID) { store throws(StoreError) in
            try await store.items(ofType: "client_tool_call", thread: threadID, owner: origin.owner)
        }
        let pending = calls.compactMap { PendingCall($0) }
        guard let newest = pending.last else { throw .noPendingCall }
        var item = newest.item
        item.content = .clientToolCall(newest.call.completed(with: result))
        let place = try await place(in: threadID, origin.owner)
        let job = Job(
            agent: agent, thread: thread, origin: origin, kind: .clientToolOutput, input: [JSONText(item.encoded)],
            place: place)
        let stale = pending.dropLast().map {
            StoreOperation.deleteItem(id: $0.item.id, thread: threadID, owner: origin.owner)
        }
        // Of two results for one call only the first is taken: the second finds another content.
        let completion = StoreOperation.replaceItem(
            StoredItem(item, hostJSON: newest.stored.hostJSON), expecting: newest.stored.json, owner: origin.owner)
        return try await enter(job, at: [completion] + stale, withLease: [], opening: [])
    }

    /// Goes on with the person's answers to a structured input.
    func addStructuredInput(
        _ submission: ChatKit.StructuredInputSubmission, item itemID: String, thread threadID: String,
        origin: TurnOrigin
    ) async throws(TurnError) -> TurnReader {
        let (thread, agent) = try await boundThread(threadID, origin)
        let stored = try await item(itemID, in: threadID, origin)
        guard stored.type == "structured_input" else { throw .notAStructuredInput }
        var item = try TurnEngine.decoded(stored)
        guard case .structuredInput(let input) = item.content else { throw .storage }
        guard input.status == .pending else { throw .answeredAlready }
        let answered = input.answered(submission)
        item.content = .structuredInput(answered)
        let place = try await place(in: threadID, origin.owner)
        var job = Job(
            agent: agent, thread: thread, origin: origin, kind: .structuredInput, input: [JSONText(item.encoded)],
            place: place)
        job.opening = [.itemReplaced(item)]
        var hostJSON = stored.hostJSON
        if let asked = Approval(hostJSON: stored.hostJSON) {
            let age = (Timestamp.now().microseconds - item.createdAt.microseconds) / 1_000
            let decided = asked.decided(by: answered, isExpired: age > configuration.approvalLifetime)
            job.approval = (item.id, decided)
            hostJSON = decided.json.encoded
        }
        // Of two answers only the first is taken: the second finds another content.
        let replacement = StoreOperation.replaceItem(
            StoredItem(item, hostJSON: hostJSON), expecting: stored.json, owner: origin.owner)
        return try await enter(job, at: [replacement], withLease: [], opening: [])
    }

    /// The item; throws when the thread has none of that id.
    func item(_ id: String, in threadID: String, _ origin: TurnOrigin) async throws(TurnError) -> StoredItem {
        let stored = try await read(origin.requestID) { store throws(StoreError) in
            try await store.item(id, thread: threadID, owner: origin.owner)
        }
        guard let stored else { throw .itemNotFound }
        return stored
    }

    static func decoded(_ stored: StoredItem) throws(TurnError) -> ChatKit.Item {
        guard let item = (try? JSON.parse(stored.json)).flatMap({ try? ChatKit.Item(json: $0) }) else { throw .storage }
        return item
    }
}

/// A client tool call that waits for its result.
private struct PendingCall {
    var stored: StoredItem
    var item: ChatKit.Item
    var call: ChatKit.ClientToolCall

    /// Nil when it is complete.
    init?(_ stored: StoredItem) {
        guard let item = try? TurnEngine.decoded(stored), case .clientToolCall(let call) = item.content,
            call.status == .pending
        else { return nil }
        self.stored = stored
        self.item = item
        self.call = call
    }
}

extension ChatKit.ClientToolCall {
    fileprivate func completed(with output: JSON) -> ChatKit.ClientToolCall {
        var call = self
        call.status = .completed
        call.output = output
        return call
    }
}
