internal import Synchronization

/// Who asks for a turn, and how.
struct TurnOrigin: Sendable {
    var owner: OwnerKey
    var requestID: String
    var locale: String
    /// Of the request, for the agent.
    var metadata: JSON = [:]
}

/// Runs turns: stores what the person said, takes the thread, lets the agent answer, keeps the answer.
///
/// May be called from any thread. What fails before anything is shown is thrown; later failures are `error` events.
final class TurnEngine: Sendable {
    /// A turn that runs or waits.
    struct Active: Sendable {
        var run: TurnRun
        var owner: OwnerKey
    }
    struct State {
        var active: [String: Active] = [:]
        var isStopping = false
        /// Waits until nothing is active.
        var drained: (number: Int, continuation: CheckedContinuation<Void, Never>)?
        var drains = 0
    }

    let store: any Store
    let registry: Registry
    let tools: any ToolDispatching
    let configuration: TurnConfiguration
    let log: Logger
    let queue: ThreadQueue
    let state = Mutex(State())

    init(
        store: any Store, registry: Registry, tools: any ToolDispatching, configuration: TurnConfiguration, log: Logger
    ) {
        self.store = store
        self.registry = registry
        self.tools = tools
        self.configuration = configuration
        self.log = log
        queue = ThreadQueue(limit: configuration.maximumQueue)
    }

    // MARK: Turns

    /// Starts a thread with a message. When this returns, thread and message are stored.
    func create(agent id: String, message: ChatKit.UserMessage, origin: TurnOrigin) async throws(TurnError)
        -> TurnReader
    {
        guard let agent = registry.agent(id) else { throw .unknownAgent(id) }
        let thread = StoredThread(
            id: orderedID("thr"), owner: origin.owner, agent: agent.descriptor.id, createdAt: .now(),
            json: ThreadRecord().encoded)
        guard let place = queue.join(thread.id) else { throw .busy }
        let item = TurnEngine.item(message, in: thread.id)
        let job = Job(
            agent: agent, thread: thread, origin: origin, kind: .userMessage, input: item, place: place, isNew: true)
        return try await enter(
            job, at: [.insertThread(thread), .insertItem(StoredItem(item), owner: origin.owner)], withLease: [],
            opening: [.threadCreated(thread.chatKit), .itemDone(item)])
    }

    /// Answers a further message. When this returns, the message is stored; the turn may still wait for the one before it.
    func add(to threadID: String, message: ChatKit.UserMessage, origin: TurnOrigin) async throws(TurnError)
        -> TurnReader
    {
        let (thread, agent) = try await boundThread(threadID, origin.owner)
        guard let place = queue.join(threadID) else { throw .busy }
        let item = TurnEngine.item(message, in: threadID)
        let job = Job(agent: agent, thread: thread, origin: origin, kind: .userMessage, input: item, place: place)
        return try await enter(
            job, at: [.insertItem(StoredItem(item), owner: origin.owner)], withLease: [], opening: [.itemDone(item)])
    }

    /// Removes what came after a user message and answers it again.
    func retry(thread threadID: String, after itemID: String, origin: TurnOrigin) async throws(TurnError) -> TurnReader
    {
        let (thread, agent) = try await boundThread(threadID, origin.owner)
        guard
            let stored = try await read({ store throws(StoreError) in
                try await store.item(itemID, thread: threadID, owner: origin.owner)
            })
        else { throw .itemNotFound }
        guard stored.type == "user_message" else { throw .notAUserMessage }
        guard let item = (try? JSON.parse(stored.json)).flatMap({ try? ChatKit.Item(json: $0) }) else { throw .storage }
        guard let place = queue.join(threadID) else { throw .busy }
        let job = Job(agent: agent, thread: thread, origin: origin, kind: .retry, input: item, place: place)
        return try await enter(
            job, at: [], withLease: [.deleteItemsAfter(id: itemID, thread: threadID, owner: origin.owner)], opening: [])
    }

    private static func item(_ message: ChatKit.UserMessage, in threadID: String) -> ChatKit.Item {
        ChatKit.Item(id: randomID("msg"), threadID: threadID, createdAt: .now(), content: .userMessage(message))
    }

    /// The thread and the agent it is bound to.
    private func boundThread(
        _ threadID: String, _ owner: OwnerKey
    ) async throws(TurnError) -> (StoredThread, Registry.Agent) {
        guard
            let thread = try await read({ store throws(StoreError) in try await store.thread(threadID, owner: owner) })
        else {
            throw .threadNotFound
        }
        guard let agent = registry.agent(thread.agent) else { throw .agentUnavailable(thread.agent) }
        return (thread, agent)
    }

    private func read<Value: Sendable>(
        _ body: (any Store) async throws(StoreError) -> Value
    ) async throws(TurnError) -> Value {
        do { return try await body(store) } catch {
            if error != .threadNotFound { log.error("store cannot be read", ["error": .string("\(error)")]) }
            throw TurnError(error)
        }
    }

    // MARK: Threads

    /// Renames a thread.
    func updateTitle(_ title: String, thread threadID: String, owner: OwnerKey) async throws(TurnError)
        -> ChatKit.Thread
    {
        guard
            var thread = try await read({ store throws(StoreError) in try await store.thread(threadID, owner: owner) })
        else {
            throw .threadNotFound
        }
        var record = ThreadRecord(json: thread.json)
        record.title = title
        thread.json = record.encoded
        do { try await store.write([.updateThread(id: threadID, owner: owner, json: thread.json)]) } catch {
            throw TurnError(error)
        }
        for active in activeTurns(on: threadID, owner) { active.run.input { turn, _ in turn.renamed(title) } }
        return thread.chatKit
    }

    /// Deletes a thread and everything in it, and ends its turns. A missing or foreign one is no error.
    func delete(thread threadID: String, owner: OwnerKey) async throws(TurnError) {
        for active in activeTurns(on: threadID, owner) { active.run.cancel(.threadDeleted) }
        do { try await store.write([.deleteThread(id: threadID, owner: owner)]) } catch { throw TurnError(error) }
    }

    private func activeTurns(on threadID: String, _ owner: OwnerKey) -> [Active] {
        state.withLock { state in
            state.active.values.filter { $0.run.threadID == threadID && $0.owner == owner }
        }
    }
}
