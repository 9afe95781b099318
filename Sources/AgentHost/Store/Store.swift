/// What is kept: threads, their items, open turns, plugins' keys and values.
///
/// Every read and write carries the owner key; a foreign thing is answered like a missing one. Writes are batches: all or nothing,
/// durable when acknowledged. Implementations are called from any thread and never block the caller.
protocol Store: Sendable {
    // MARK: Writing

    /// Applies the operations in order, in one transaction. `completion` is called once, on a thread of the store (it must not
    /// block), after the batch is durable or has failed as a whole. Batches submitted one after the other are applied in that order.
    func submit(_ batch: [StoreOperation], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void)

    // MARK: Reading

    /// The thread, or nil when it is missing or not the owner's.
    func thread(_ id: String, owner: OwnerKey) async throws(StoreError) -> StoredThread?

    /// Threads of the owner by creation order. Throws `.cursorNotFound`.
    func threads(owner: OwnerKey, page: PageRequest) async throws(StoreError) -> StoredPage<StoredThread>

    /// Items of a thread in insertion order; hidden ones are left out (and not counted) unless they are asked for. Throws
    /// `.threadNotFound`, `.cursorNotFound`.
    func items(
        thread: String, owner: OwnerKey, page: PageRequest, includingHidden: Bool
    ) async throws(StoreError) -> StoredPage<StoredItem>

    /// One item, hidden or not. Nil when the thread or item is missing or not the owner's.
    func item(_ id: String, thread: String, owner: OwnerKey) async throws(StoreError) -> StoredItem?

    /// The items of one type, oldest first; hidden ones too. Throws `.threadNotFound`.
    func items(ofType type: String, thread: String, owner: OwnerKey) async throws(StoreError) -> [StoredItem]

    /// The newest `limit` items of a thread, hidden ones included, oldest first.
    func history(thread: String, owner: OwnerKey, limit: Int) async throws(StoreError) -> [StoredItem]

    /// Turns that were open when this host started and whose holder is dead: to be closed as interrupted. Their leases now belong to
    /// this host.
    func interruptedTurns() async throws(StoreError) -> [OpenTurn]

    // MARK: Plugins' keys and values (abi.md A8)

    /// Entries in the order of `keys`; missing ones are left out.
    func values(_ keys: [String], in space: KeySpace) async throws(StoreError) -> [KeyValueEntry]

    /// Entries whose key starts with `prefix` and is greater than `after`, in byte order, at most `limit`.
    func list(prefix: String, after: String?, limit: Int, in space: KeySpace) async throws(StoreError)
        -> [KeyValueEntry]

    /// All or nothing; throws `.conflict` when a condition does not hold. Answers the new versions of what was put.
    func write(_ write: KeyValueWrite, in space: KeySpace) async throws(StoreError) -> [String: String]

    // MARK: The host's own

    /// The random secret of that name (32 bytes), made at first use and kept in the database.
    func secret(_ name: String) async throws(StoreError) -> [UInt8]

    /// Whether a write would work: for health checks.
    func check() async throws(StoreError)

    /// Finishes what is queued and closes. Later calls throw `.closed`.
    func close() async
}

/// One write.
enum StoreOperation: Sendable {
    /// Fails with `.exists` when the id is taken.
    case insertThread(StoredThread)
    /// Replaces `json`, by id and owner. Fails with `.threadNotFound`.
    case updateThread(id: String, owner: OwnerKey, json: [UInt8])
    /// Binds the thread to another agent. Fails with `.threadNotFound`.
    case bindThread(id: String, owner: OwnerKey, agent: String)
    /// Removes the thread, its items and turn. A missing or foreign one is no error.
    case deleteThread(id: String, owner: OwnerKey)
    /// Appends at the end of its thread. Fails with `.threadNotFound`, `.exists`.
    case insertItem(StoredItem, owner: OwnerKey)
    /// Replaces content under the same id, position kept; appends when it is missing.
    case upsertItem(StoredItem, owner: OwnerKey)
    /// Replaces an item that still has the content `expecting`; time and place are kept. Fails with `.itemNotFound`, and with
    /// `.conflict` when somebody else changed it first.
    case replaceItem(StoredItem, expecting: [UInt8], owner: OwnerKey)
    case deleteItem(id: String, thread: String, owner: OwnerKey)
    /// Removes everything newer than the item, hidden items too. Fails with `.itemNotFound`.
    case deleteItemsAfter(id: String, thread: String, owner: OwnerKey)
    /// Takes the thread's turn lease for this host. Fails with `.busy` when a live host holds it (also this one).
    case openTurn(OpenTurn)
    /// Stores partial text of a turn that runs: ordered, but need not be durable at once.
    case checkpointTurn(id: String, json: [UInt8])
    /// Gives the lease back. A turn that is not open is no error.
    case closeTurn(id: String)
}

/// A thread as it is kept. `json` is the engine's own record of it (title, status, agent, metadata).
struct StoredThread: Sendable, Hashable {
    var id: String
    var owner: OwnerKey
    /// The agent the thread is bound to.
    var agent: String
    var createdAt: Timestamp
    var json: [UInt8]
}

/// An item as it is kept: `json` is exactly what clients are sent.
struct StoredItem: Sendable, Hashable {
    var id: String
    var threadID: String
    /// The protocol's `type`.
    var type: String
    var isHidden: Bool
    var createdAt: Timestamp
    var json: [UInt8]
    /// What the client does not see but the engine needs again, e.g. the function calls behind a workflow; nil for none.
    var hostJSON: [UInt8]? = nil
}

/// A turn that runs, or ran when the host died.
struct OpenTurn: Sendable, Hashable {
    var id: String
    var threadID: String
    var owner: OwnerKey
    /// Partial items as last checkpointed; nil when there was none.
    var checkpoint: [UInt8]?
}

/// Which part of a list is wanted (`chatkit-protocol.md` 9).
struct PageRequest: Sendable, Hashable {
    enum Order: String, Sendable { case ascending = "asc", descending = "desc" }
    /// 1 and more.
    var limit: Int
    var order: Order
    /// Id of the last element already seen, exclusive.
    var after: String?
}

struct StoredPage<Element: Sendable>: Sendable {
    var elements: [Element]
    var hasMore: Bool
}

/// Where a plugin's keys live: the plugin's own, or those for one user or thread.
struct KeySpace: Sendable, Hashable {
    enum Scope: Sendable, Hashable {
        case plugin
        case user(OwnerKey)
        case thread(String)
    }
    var plugin: String
    var scope: Scope
}

struct KeyValueEntry: Sendable, Hashable {
    var key: String
    /// JSON text.
    var value: [UInt8]
    /// Changes with each write.
    var version: String
}

struct KeyValueWrite: Sendable {
    /// Key and the version it must have; nil: it must not exist.
    var conditions: [(key: String, version: String?)] = []
    var puts: [(key: String, value: [UInt8])] = []
    var deletes: [String] = []
}

/// Why the store refused or failed.
enum StoreError: Error, Hashable {
    case threadNotFound
    case itemNotFound
    case cursorNotFound
    case exists
    case busy
    case conflict
    case closed
    /// Disk full, I/O error, …: a sentence for the log. Nothing was written.
    case failed(String)
}

extension Store {
    /// Items as clients see them.
    func items(thread: String, owner: OwnerKey, page: PageRequest) async throws(StoreError) -> StoredPage<StoredItem> {
        try await items(thread: thread, owner: owner, page: page, includingHidden: false)
    }

    /// Applies the batch and returns when it is durable.
    func write(_ batch: [StoreOperation]) async throws(StoreError) {
        let result = await withCheckedContinuation { continuation in
            submit(batch) { continuation.resume(returning: $0) }
        }
        try result.get()
    }
}
