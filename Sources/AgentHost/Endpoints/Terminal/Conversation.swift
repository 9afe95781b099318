private import Synchronization

/// A conversation of one person with one agent in one thread.
public final class Conversation: Sendable {
    /// What the person gets to see.
    public enum Output: Sendable, Hashable {
        /// A piece of the answer.
        case text(String)
        /// The answer, or a part of it, is complete.
        case endOfMessage
        /// A function call: its title, what is known of it, and whether it is over.
        case tool(title: String, detail: String?, done: Bool)
        /// News that are not part of the answer.
        case note(String)
        /// The turn failed; the sentence says why.
        case error(String)
    }

    /// Something the agent, or the host before a tool may run, asks of the person.
    public struct Question: Sendable, Hashable {
        /// Names it in the answers.
        public let id: String
        /// For people.
        public let text: String
        /// Words to choose from; empty when anything may be said.
        public let options: [String]
        /// Whether it asks for consent to a tool call: then `options` are the word for yes and the word for no.
        public let isConsent: Bool
    }

    private let engine: TurnEngine
    private let agent: String
    private let owner: OwnerKey
    private struct State {
        var threadID: String?
        /// The item that asks.
        var asking: (item: String, questions: [Question])?
    }
    private let state = Mutex(State())

    init(engine: TurnEngine, agent: String, owner: OwnerKey) {
        self.engine = engine
        self.agent = agent
        self.owner = owner
    }

    /// Says something and hands over what comes back, piece by piece, until the turn has ended.
    ///
    /// - Returns: what the person is asked at the end, to be answered with `answer`; usually nothing.
    /// - Throws: `HostError` when the turn could not begin.
    public func say(_ text: String, output: @Sendable (Output) -> Void) async throws(HostError) -> [Question] {
        let message = ChatKit.UserMessage(content: [.text(text)])
        let thread = state.withLock { $0.threadID }
        return try await run(output) { engine, origin throws(TurnError) in
            if let thread { return try await engine.add(to: thread, message: message, origin: origin) }
            return try await engine.create(agent: agent, message: message, origin: origin)
        }
    }

    /// Answers the questions that `say`, or an answer before, has returned, and hands over what comes of it.
    ///
    /// - Parameter answers: by the questions' ids; one that is left out counts as skipped, and as no consent.
    /// - Returns: what the person is asked then.
    /// - Throws: `HostError` when nothing is asked, or the turn could not begin.
    public func answer(
        _ answers: [String: String], output: @Sendable (Output) -> Void
    ) async throws(HostError) -> [Question] {
        let (thread, asking) = state.withLock { ($0.threadID, $0.asking) }
        guard let thread, let asking else {
            throw HostError("Nothing is asked at the moment.", code: TurnErrorCode.notPending.rawValue)
        }
        let submission = ChatKit.StructuredInputSubmission(answers: answers.mapValues { .init(values: [$0]) })
        return try await run(output) { engine, origin throws(TurnError) in
            try await engine.addStructuredInput(submission, item: asking.item, thread: thread, origin: origin)
        }
    }

    private func run(
        _ output: @Sendable (Output) -> Void,
        _ begin: (TurnEngine, TurnOrigin) async throws(TurnError) -> TurnReader
    ) async throws(HostError) -> [Question] {
        let reader: TurnReader
        let origin = TurnOrigin(
            owner: owner, requestID: randomID("req"), locale: "", metadata: [:], canAsk: true)
        do { reader = try await begin(engine, origin) } catch {
            throw HostError(error.sentence, code: error.code.rawValue)
        }
        state.withLock { $0.asking = nil }
        let events = ChatEventReader(reader)
        while let events = await events.next() {
            for event in events { show(event, output) }
        }
        return state.withLock { $0.asking?.questions ?? [] }
    }

    private func show(_ event: ChatKit.Event, _ output: (Output) -> Void) {
        switch event {
        case .threadCreated(let thread): state.withLock { $0.threadID = thread.id }
        case .itemUpdated(_, .textDeltas(_, let deltas)): output(.text(deltas.text))
        case .itemUpdated(_, .taskAdded(_, let task)), .itemUpdated(_, .taskUpdated(_, let task)): show(task, output)
        case .itemDone(let item):
            if case .assistantMessage = item.content { output(.endOfMessage) }
            if case .structuredInput(let input) = item.content, input.status == .pending {
                state.withLock { $0.asking = (item.id, input.inputs.compactMap { Question($0) }) }
            }
        case .progress(let text, _): output(.note(text))
        case .notice(_, let message, _): output(.note(message))
        case .error(let code, let message, _): output(.error(message ?? code))
        default: break
        }
    }

    private func show(_ task: ChatKit.Task, _ output: (Output) -> Void) {
        guard case .custom(let title, _, let content) = task.kind else { return }
        output(.tool(title: title ?? "Working", detail: content, done: task.indicator == .complete))
    }
}

extension Conversation.Question {
    /// Nil when the question cannot be read.
    fileprivate init?(_ json: JSON) {
        guard let id = json["id"]?.string, let text = json["question"]?.string else { return nil }
        let options = (json["options"]?.array ?? []).compactMap { $0["value"]?.string }
        self.init(
            id: id, text: text, options: options, isConsent: options == [Approval.approve, Approval.deny])
    }
}
