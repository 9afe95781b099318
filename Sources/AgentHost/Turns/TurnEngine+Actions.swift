internal import Synchronization

// Actions, feedback and speech: what an agent takes only if its manifest says so (`accepts`).

extension TurnEngine {
    /// How long an agent may take over what nobody watches: milliseconds.
    static let besideLimit: Int64 = 60_000
    static let feedbackLimit: Int64 = 5_000

    /// Answers an action of a widget or of the page with a stream.
    func customAction(_ action: ChatKit.ActionCall, origin: TurnOrigin) async throws(TurnError) -> TurnReader {
        let (thread, agent) = try await boundThread(action.thread, origin)
        let input = try await input(of: action, origin)
        try TurnEngine.check(agent, accepts: .action, "actions")
        let place = try await place(in: thread.id, origin.owner)
        let job = Job(
            agent: agent, thread: thread, origin: origin, kind: .action, input: [JSONText(input)], place: place)
        return try await enter(job, at: [], withLease: [], opening: [])
    }

    /// Answers an action at once, also while a turn of the thread runs.
    ///
    /// - Returns: the item the agent made or changed last, if it did.
    func syncAction(_ action: ChatKit.ActionCall, origin: TurnOrigin) async throws(TurnError) -> ChatKit.Item? {
        let (thread, agent) = try await boundThread(action.thread, origin)
        let input = try await input(of: action, origin)
        try TurnEngine.check(agent, accepts: .syncAction, "sync actions")
        var updated: ChatKit.Item?
        var failure: TurnError?
        for event in try await beside(thread, agent, .syncAction, input, TurnEngine.besideLimit, origin) {
            switch event {
            case .itemDone(let item), .itemReplaced(let item): updated = item
            case .error(_, let message, _): failure = .actionFailed(message)
            default: break
            }
        }
        if let failure { throw failure }
        return updated
    }

    /// Tells the thread's agent what the person thinks of its items, if it wants to know; its answer does not matter.
    func feedback(
        _ feedback: ChatKit.Feedback, items: [String], thread threadID: String, origin: TurnOrigin
    ) async throws(TurnError) {
        let thread = try await read(origin.requestID) { store throws(StoreError) in
            try await store.thread(threadID, owner: origin.owner)
        }
        guard let thread else { throw .threadNotFound }
        log.info(
            "feedback",
            [
                "request_id": .string(origin.requestID), "thread_id": .string(threadID),
                "kind": .string(feedback.rawValue), "items": .int(Int64(items.count)),
            ])
        guard let agent = registry.agent(thread.agent), agent.descriptor.accepts.contains(.feedback) else { return }
        let input: JSON = [
            "kind": .string(feedback.rawValue), "item_ids": .array(items.map { .string($0) }),
        ]
        _ = try await beside(thread, agent, .feedback, input, TurnEngine.feedbackLimit, origin)
    }

    /// Turns speech into text.
    ///
    /// - Parameter agentID: of a loaded agent.
    func transcribe(
        audioBase64: String, mimeType: String, agent agentID: String, origin: TurnOrigin
    ) async throws(TurnError) -> String {
        let lineup = registry.lineup(for: "")
        guard let agent = lineup.agent(agentID) else { throw .unknownAgent(agentID) }
        try TurnEngine.check(agent, accepts: .transcription, "speech")
        guard let provider = agent.provider else { throw .agentUnavailable(agentID) }
        let request = AgentTurnRequest(
            agentID: agentID, threadID: "", owner: origin.owner, kind: .transcription,
            input: [JSONText(["audio_base64": .string(audioBase64), "mime_type": .string(mimeType)])],
            context: JSONText([
                "locale": .string(origin.locale), "metadata": origin.metadata, "trace_id": .string(origin.requestID),
            ]), requestID: origin.requestID, locale: origin.locale,
            deadline: monotonicMilliseconds() + TurnEngine.besideLimit)
        let transcription = Transcription(provider, request, lineup)
        let result = await withTaskCancellationHandler {
            await transcription.result()
        } onCancel: {
            transcription.cancel()
        }
        switch result {
        case .success(let json):
            guard let text = json["text"]?.string else {
                throw .transcriptionFailed("The agent answered no text.")
            }
            return text
        case .failure(.unsupported): throw .notImplemented("speech", by: agentID)
        case .failure(.unavailable): throw .agentUnavailable(agentID)
        case .failure(.overLimit(let reached)): throw .transcriptionFailed(reached.sentence)
        case .failure(.failed(let words)): throw .transcriptionFailed(words)
        case .failure: throw .transcriptionFailed("")
        }
    }

    // MARK: Pieces

    /// `{action: {type, payload?}, item_id?, item?}`: the item is the widget that the action comes from.
    private func input(of action: ChatKit.ActionCall, _ origin: TurnOrigin) async throws(TurnError) -> JSON {
        var call = JSONObject(members: [("type", .string(action.type))])
        if action.payload != .null { call["payload"] = action.payload }
        var input = JSONObject(members: [("action", .object(call))])
        guard let id = action.item else { return .object(input) }
        let stored = try await item(id, in: action.thread, origin)
        guard stored.type == "widget" else { throw .notAWidget }
        input["item_id"] = .string(id)
        input["item"] = try TurnEngine.decoded(stored).json
        return .object(input)
    }

    private static func check(
        _ agent: Registry.Agent, accepts kind: AgentTurnRequest.Kind, _ what: String
    ) throws(TurnError) {
        guard agent.descriptor.accepts.contains(kind) else {
            throw .notImplemented(what, by: agent.descriptor.id)
        }
    }

    /// Lets the agent answer without taking the thread. Returns everything it did.
    private func beside(
        _ thread: StoredThread, _ agent: Registry.Agent, _ kind: AgentTurnRequest.Kind, _ input: JSON,
        _ limit: Int64, _ origin: TurnOrigin
    ) async throws(TurnError) -> [ChatKit.Event] {
        let lineup = registry.lineup(for: thread.id)
        guard let provider = lineup.agent(thread.agent)?.provider else { throw .agentUnavailable(thread.agent) }
        let items = try await read(origin.requestID) { store throws(StoreError) in
            try await store.history(
                thread: thread.id, owner: origin.owner, limit: configuration.maximumContextItems)
        }
        let job = Job(
            agent: agent, thread: thread, origin: origin, kind: kind, input: [JSONText(input)],
            place: queue.outside(thread.id))
        guard let run = makeRun(job, isBeside: true, totalLimit: limit) else { throw .shuttingDown }
        let deadline = monotonicMilliseconds() + limit
        let reader = ChatEventReader(TurnReader(run))
        var work = TurnRun.Work(
            store: store, lineup: lineup, tools: tools.bound(to: lineup), caller: job.caller(agent), deadline: deadline)
        work.holdsThread = false
        run.begin(work, agent: provider, request(job, items, deadline: deadline))
        var events: [ChatKit.Event] = []
        while let more = await reader.next() { events += more }
        return events
    }
}

/// One transcription that is awaited.
private final class Transcription: Sendable {
    private struct State {
        var result: Result<JSON, ProviderFailure>?
        var waiter: CheckedContinuation<Result<JSON, ProviderFailure>, Never>?
        var work: (any Cancellable)?
        var isCancelled = false
    }
    private let state = Mutex(State())
    private let lineup: Lineup

    /// - Parameter lineup: held until it has ended.
    init(_ provider: any AgentProvider, _ request: AgentTurnRequest, _ lineup: Lineup) {
        self.lineup = lineup
        let work = provider.transcribe(request) { [self] in end($0) }
        let isCancelled = state.withLock { state in
            state.work = work
            return state.isCancelled
        }
        if isCancelled { work.cancel(.cancelled) }
    }

    func cancel() {
        let work = state.withLock { state in
            state.isCancelled = true
            return state.work
        }
        work?.cancel(.cancelled)
    }

    private func end(_ result: Result<JSON, ProviderFailure>) {
        let waiter = state.withLock { state in
            state.result = result
            return state.waiter.take()
        }
        waiter?.resume(returning: result)
    }

    func result() async -> Result<JSON, ProviderFailure> {
        await withCheckedContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.waiter = continuation }
                return state.result
            }
            if let result { continuation.resume(returning: result) }
        }
    }
}
