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

    private let engine: TurnEngine
    private let agent: String
    private let owner: OwnerKey
    private let threadID = Mutex<String?>(nil)

    init(engine: TurnEngine, agent: String, owner: OwnerKey) {
        self.engine = engine
        self.agent = agent
        self.owner = owner
    }

    /// Says something and hands over what comes back, piece by piece, until the turn has ended.
    ///
    /// - Throws: `HostError` when the turn could not begin.
    public func say(_ text: String, output: @Sendable (Output) -> Void) async throws(HostError) {
        let reader: TurnReader
        let message = ChatKit.UserMessage(content: [.text(text)])
        let origin = TurnOrigin(owner: owner, requestID: randomID("req"), locale: "", metadata: [:])
        do {
            if let thread = threadID.withLock({ $0 }) {
                reader = try await engine.add(to: thread, message: message, origin: origin)
            } else {
                reader = try await engine.create(agent: agent, message: message, origin: origin)
            }
        } catch {
            throw HostError(error.sentence, code: error.code.rawValue)
        }
        let events = ChatEventReader(reader)
        while let events = await events.next() {
            for event in events { show(event, output) }
        }
    }

    private func show(_ event: ChatKit.Event, _ output: (Output) -> Void) {
        switch event {
        case .threadCreated(let thread): threadID.withLock { $0 = thread.id }
        case .itemUpdated(_, .textDeltas(_, let deltas)): output(.text(deltas.text))
        case .itemUpdated(_, .taskAdded(_, let task)), .itemUpdated(_, .taskUpdated(_, let task)): show(task, output)
        case .itemDone(let item):
            if case .assistantMessage = item.content { output(.endOfMessage) }
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
