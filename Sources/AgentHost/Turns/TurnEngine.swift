internal import Synchronization

/// Who asks for a turn, and how.
struct TurnOrigin: Sendable {
    var owner: OwnerKey
    var requestID: String
    var locale: String
    /// Of the request, for the agent.
    var metadata: JSON = [:]
    /// Whether the client may come back to the turn after it has left.
    var resumes = false
    /// Whether the door can show questions and bring the answers: tools that need consent are refused otherwise.
    var canAsk = false
}

/// Runs turns: stores what the person said, takes the thread, lets the agent answer, keeps the answer.
///
/// May be called from any thread. What fails before anything is shown is thrown; later failures are `error` events.
final class TurnEngine: Sendable {
    /// A turn that runs or waits.
    struct Active: Sendable {
        var run: TurnRun
        var owner: OwnerKey
        /// Id of the user message that is answered.
        var answers: String?
        /// In the order they were asked for.
        var number: Int
        /// Whether it runs beside the turns of its thread.
        var isBeside: Bool
    }
    struct State {
        var active: [String: Active] = [:]
        var lastNumber = 0
        var kept = KeptTurns()
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
    /// What models have cost.
    let usage = UsageTotals()
    let counters = TurnCounters()
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

    /// Turns so far, for the operator.
    var metrics: [Metric] { counters.metrics(open: state.withLock { $0.active.count }) }

    // MARK: Turns

    /// Starts a thread with a message. When this returns, thread and message are stored.
    func create(agent id: String, message: ChatKit.UserMessage, origin: TurnOrigin) async throws(TurnError)
        -> TurnReader
    {
        guard let agent = registry.agent(id) else { throw .unknownAgent(id) }
        let thread = StoredThread(
            id: orderedID("thr"), owner: origin.owner, agent: agent.descriptor.id, createdAt: .now(),
            json: ThreadRecord().encoded)
        let place = try await place(in: thread.id, origin.owner)
        let item = TurnEngine.item(message, in: thread.id)
        let stored = StoredItem(item)
        var job = Job(agent: agent, thread: thread, origin: origin, answering: item, stored, place: place)
        job.isNew = true
        return try await enter(
            job, at: [.insertThread(thread), .insertItem(stored, owner: origin.owner)], withLease: [],
            opening: [.threadCreated(thread.chatKit), .itemDone(item)])
    }

    /// Answers a further message. When this returns, the message is stored; the turn may still wait for the one before it.
    func add(to threadID: String, message: ChatKit.UserMessage, origin: TurnOrigin) async throws(TurnError)
        -> TurnReader
    {
        let (thread, agent) = try await boundThread(threadID, origin)
        let place = try await place(in: threadID, origin.owner)
        let item = TurnEngine.item(message, in: threadID)
        let stored = StoredItem(item)
        let job = Job(agent: agent, thread: thread, origin: origin, answering: item, stored, place: place)
        return try await enter(
            job, at: [.insertItem(stored, owner: origin.owner)], withLease: [], opening: [.itemDone(item)])
    }

    /// Removes what came after a user message and answers it again.
    func retry(thread threadID: String, after itemID: String, origin: TurnOrigin) async throws(TurnError) -> TurnReader
    {
        let (thread, agent) = try await boundThread(threadID, origin)
        let stored = try await item(itemID, in: threadID, origin)
        guard stored.type == "user_message" else { throw .notAUserMessage }
        let item = try TurnEngine.decoded(stored)
        let place = try await place(in: threadID, origin.owner)
        var job = Job(agent: agent, thread: thread, origin: origin, answering: item, stored, place: place)
        job.kind = .retry
        return try await enter(
            job, at: [], withLease: [.deleteItemsAfter(id: itemID, thread: threadID, owner: origin.owner)], opening: [])
    }

    private static func item(_ message: ChatKit.UserMessage, in threadID: String) -> ChatKit.Item {
        ChatKit.Item(id: randomID("msg"), threadID: threadID, createdAt: .now(), content: .userMessage(message))
    }

    /// The thread and the agent it is bound to.
    func boundThread(
        _ threadID: String, _ origin: TurnOrigin
    ) async throws(TurnError) -> (StoredThread, Registry.Agent) {
        let found = try await read(origin.requestID) { store throws(StoreError) in
            try await store.thread(threadID, owner: origin.owner)
        }
        guard let thread = found else { throw .threadNotFound }
        guard let agent = registry.agent(thread.agent) else { throw .agentUnavailable(thread.agent) }
        return (thread, agent)
    }

    /// Reads from the store for a request; the log gets to know what fails.
    func read<Value: Sendable>(
        _ requestID: String, _ body: (any Store) async throws(StoreError) -> Value
    ) async throws(TurnError) -> Value {
        do { return try await body(store) } catch {
            if error != .threadNotFound {
                log.error(
                    "store cannot be read", ["request_id": .string(requestID), "error": .string("\(error)")])
            }
            throw TurnError(error)
        }
    }

    // MARK: Threads

    /// Renames a thread.
    func updateTitle(
        _ title: String, thread threadID: String, owner: OwnerKey, requestID: String
    ) async throws(TurnError) -> ChatKit.Thread {
        let found = try await read(requestID) { store throws(StoreError) in
            try await store.thread(threadID, owner: owner)
        }
        guard var thread = found else { throw .threadNotFound }
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
        state.withLock { $0.kept.remove(thread: threadID) }
    }

    func activeTurns(on threadID: String, _ owner: OwnerKey) -> [Active] {
        state.withLock { state in
            state.active.values.filter { $0.run.threadID == threadID && $0.owner == owner }
        }
    }
}
