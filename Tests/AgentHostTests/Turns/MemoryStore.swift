import Synchronization

@testable import AgentHost

/// A store in memory for tests of turns: answers at once, or when the test says so, or with an error.
final class MemoryStore: Store {
    private struct State {
        var threads: [StoredThread] = []
        var items: [StoredItem] = []
        var turns: [String: OpenTurn] = [:]
        var interrupted: [OpenTurn] = []
        var checkpoints: [[UInt8]] = []
        var failures: [StoreError] = []
        var failAll: StoreError?
        var isHolding = false
        var held: [@Sendable () -> Void] = []
        var batches = 0
    }
    private let state = Mutex(State())

    // MARK: Switches

    /// Batches are kept back until `release`.
    func hold() { state.withLock { $0.isHolding = true } }
    func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for action in held { action() }
    }
    var heldBatches: Int { state.withLock { $0.held.count } }
    /// The next batches fail so.
    func failNext(_ errors: StoreError...) { state.withLock { $0.failures += errors } }
    /// All batches fail so, until told otherwise.
    func failAll(_ error: StoreError?) { state.withLock { $0.failAll = error } }
    /// A turn of another host.
    func occupy(_ thread: String) {
        state.withLock {
            $0.turns["other"] = OpenTurn(id: "other", threadID: thread, owner: OwnerKey("h:x"), checkpoint: nil)
        }
    }
    func vacate() { state.withLock { $0.turns["other"] = nil } }
    func interrupt(_ turn: OpenTurn) {
        state.withLock {
            $0.interrupted.append(turn)
            $0.turns[turn.id] = turn
        }
    }

    // MARK: Views

    var openTurns: [String] { state.withLock { $0.turns.keys.sorted() } }
    var checkpoints: [[UInt8]] { state.withLock { $0.checkpoints } }
    var batches: Int { state.withLock { $0.batches } }
    func allItems(_ thread: String) -> [StoredItem] { state.withLock { $0.items.filter { $0.threadID == thread } } }
    func types(_ thread: String) -> [String] { allItems(thread).map(\.type) }
    func seed(_ thread: StoredThread, _ items: [StoredItem]) {
        state.withLock {
            $0.threads.append(thread)
            $0.items += items
        }
    }

    // MARK: Store

    func submit(_ batch: [StoreOperation], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        let isHeld = state.withLock { state in
            if state.isHolding { state.held.append { self.perform(batch, completion) } }
            return state.isHolding
        }
        if !isHeld { perform(batch, completion) }
    }

    private func perform(_ batch: [StoreOperation], _ completion: @Sendable (Result<Void, StoreError>) -> Void) {
        let result = state.withLock { state -> Result<Void, StoreError> in
            state.batches += 1
            if let error = state.failAll { return .failure(error) }
            if !state.failures.isEmpty { return .failure(state.failures.removeFirst()) }
            var copy = state
            for operation in batch {
                if let error = MemoryStore.apply(operation, &copy) { return .failure(error) }
            }
            state = copy
            return .success(())
        }
        completion(result)
    }

    private static func apply(_ operation: StoreOperation, _ state: inout State) -> StoreError? {
        func has(_ id: String, _ owner: OwnerKey) -> Bool {
            state.threads.contains { $0.id == id && $0.owner == owner }
        }
        switch operation {
        case .insertThread(let thread): state.threads.append(thread)
        case .updateThread(let id, let owner, let json):
            guard let index = state.threads.firstIndex(where: { $0.id == id && $0.owner == owner }) else {
                return .threadNotFound
            }
            state.threads[index].json = json
        case .bindThread(let id, let owner, let agent):
            guard let index = state.threads.firstIndex(where: { $0.id == id && $0.owner == owner }) else {
                return .threadNotFound
            }
            state.threads[index].agent = agent
        case .deleteThread(let id, let owner):
            guard has(id, owner) else { return nil }
            state.threads.removeAll { $0.id == id }
            state.items.removeAll { $0.threadID == id }
            state.turns = state.turns.filter { $0.value.threadID != id }
        case .insertItem(let item, let owner):
            guard has(item.threadID, owner) else { return .threadNotFound }
            if state.items.contains(where: { $0.id == item.id }) { return .exists }
            state.items.append(item)
        case .upsertItem(let item, let owner):
            guard has(item.threadID, owner) else { return .threadNotFound }
            if let index = state.items.firstIndex(where: { $0.id == item.id }) {
                state.items[index] = item
            } else {
                state.items.append(item)
            }
        case .replaceItem(let item, let expected, let owner):
            guard has(item.threadID, owner), let index = state.items.firstIndex(where: { $0.id == item.id }) else {
                return .itemNotFound
            }
            guard state.items[index].json == expected else { return .conflict }
            state.items[index] = item
        case .deleteItem(let id, _, _): state.items.removeAll { $0.id == id }
        case .deleteItemsAfter(let id, let thread, _):
            guard let index = state.items.firstIndex(where: { $0.id == id }) else { return .itemNotFound }
            state.items = state.items.enumerated().filter { $0.offset <= index || $0.element.threadID != thread }.map(
                \.element)
        case .openTurn(let turn):
            if state.turns.values.contains(where: { $0.threadID == turn.threadID }) { return .busy }
            state.turns[turn.id] = turn
        case .checkpointTurn(let id, let json):
            state.turns[id]?.checkpoint = json
            state.checkpoints.append(json)
        case .closeTurn(let id): state.turns[id] = nil
        }
        return nil
    }

    func thread(_ id: String, owner: OwnerKey) async throws(StoreError) -> StoredThread? {
        state.withLock { $0.threads.first { $0.id == id && $0.owner == owner } }
    }
    func item(_ id: String, thread: String, owner: OwnerKey) async throws(StoreError) -> StoredItem? {
        state.withLock { $0.items.first { $0.id == id && $0.threadID == thread } }
    }
    func history(thread: String, owner: OwnerKey, limit: Int) async throws(StoreError) -> [StoredItem] {
        Array(allItems(thread).suffix(limit))
    }
    func items(ofType type: String, thread: String, owner: OwnerKey) async throws(StoreError) -> [StoredItem] {
        allItems(thread).filter { $0.type == type }
    }
    func interruptedTurns() async throws(StoreError) -> [OpenTurn] { state.withLock { $0.interrupted } }

    // Not used by turns.
    func threads(owner: OwnerKey, page: PageRequest) async throws(StoreError) -> StoredPage<StoredThread> {
        StoredPage(elements: state.withLock { $0.threads.filter { $0.owner == owner } }, hasMore: false)
    }
    func items(
        thread: String, owner: OwnerKey, page: PageRequest, includingHidden: Bool
    ) async throws(StoreError) -> StoredPage<StoredItem> {
        StoredPage(elements: allItems(thread), hasMore: false)
    }
    func values(_ keys: [String], in space: KeySpace) async throws(StoreError) -> [KeyValueEntry] { [] }
    func list(prefix: String, after: String?, limit: Int, in space: KeySpace) async throws(StoreError)
        -> [KeyValueEntry]
    { [] }
    func write(_ write: KeyValueWrite, in space: KeySpace) async throws(StoreError) -> [String: String] { [:] }
    func secret(_ name: String) async throws(StoreError) -> [UInt8] { [] }
    func check() async throws(StoreError) {}
    func close() async {}
}
