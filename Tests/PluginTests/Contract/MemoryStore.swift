import Synchronization

@testable import AgentHost

/// Keys and values in memory; the rest of a store is not for plugins.
final class MemoryStore: Store {
    private struct State {
        var values: [KeySpace: [String: KeyValueEntry]] = [:]
        var lastVersion = 0
    }
    private let state = Mutex(State())

    /// The texts of all values of a plugin.
    func texts(plugin: String) -> [String] {
        state.withLock { state in
            state.values.filter { $0.key.plugin == plugin }.flatMap(\.value.values).map {
                String(decoding: $0.value, as: UTF8.self)
            }
        }
    }

    func values(_ keys: [String], in space: KeySpace) async throws(StoreError) -> [KeyValueEntry] {
        state.withLock { state in keys.compactMap { state.values[space]?[$0] } }
    }

    func list(prefix: String, after: String?, limit: Int, in space: KeySpace) async throws(StoreError)
        -> [KeyValueEntry]
    {
        state.withLock { state in
            let entries = (state.values[space] ?? [:]).values.filter { entry in
                entry.key.hasPrefix(prefix) && after.map { entry.key > $0 } ?? true
            }
            return Array(entries.sorted { $0.key < $1.key }.prefix(limit))
        }
    }

    func write(_ write: KeyValueWrite, in space: KeySpace) async throws(StoreError) -> [String: String] {
        let result: Result<[String: String], StoreError> = state.withLock { state in
            var entries = state.values[space] ?? [:]
            for condition in write.conditions where entries[condition.key]?.version != condition.version {
                return .failure(.conflict)
            }
            var versions: [String: String] = [:]
            for put in write.puts {
                state.lastVersion += 1
                versions[put.key] = "v\(state.lastVersion)"
                entries[put.key] = KeyValueEntry(key: put.key, value: put.value, version: "v\(state.lastVersion)")
            }
            for key in write.deletes { entries[key] = nil }
            state.values[space] = entries
            return .success(versions)
        }
        return try result.get()
    }

    func secret(_ name: String) async throws(StoreError) -> [UInt8] { Array("secret \(name)".utf8) }
    func check() async throws(StoreError) {}
    func close() async {}

    private static let none = StoreError.failed("not in this store")
    func submit(_ batch: [StoreOperation], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        completion(.failure(MemoryStore.none))
    }
    func thread(_ id: String, owner: OwnerKey) async throws(StoreError) -> StoredThread? { nil }
    func threads(owner: OwnerKey, page: PageRequest) async throws(StoreError) -> StoredPage<StoredThread> {
        throw MemoryStore.none
    }
    func items(
        thread: String, owner: OwnerKey, page: PageRequest, includingHidden: Bool
    ) async throws(StoreError) -> StoredPage<StoredItem> {
        throw MemoryStore.none
    }
    func items(ofType type: String, thread: String, owner: OwnerKey) async throws(StoreError) -> [StoredItem] { [] }
    func item(_ id: String, thread: String, owner: OwnerKey) async throws(StoreError) -> StoredItem? { nil }
    func history(thread: String, owner: OwnerKey, limit: Int) async throws(StoreError) -> [StoredItem] { [] }
    func interruptedTurns() async throws(StoreError) -> [OpenTurn] { [] }
}
