/// Keys and values kept by the host, across restarts (`ap.host.kv/1`).
///
/// Which user and which thread is meant follows from the call that the current task works for.
public struct Store: Sendable {
    /// Whom the values belong to. Each must be listed in the manifest's `permissions.kv`.
    public enum Scope: String, Sendable {
        case plugin, user, thread
    }

    /// A stored value with the version that ``write(if:put:delete:)`` compares.
    public struct Entry: Sendable, Hashable {
        /// 1 to 512 bytes.
        public let key: String
        /// At most 1 MiB as text.
        public let value: JSON
        /// Changes with each write.
        public let version: String
    }

    /// What a write depends on.
    public enum Condition: Sendable, Hashable {
        /// The key still has this version.
        case unchanged(key: String, version: String)
        /// There is no such key.
        case missing(key: String)
    }

    let host: Host
    let scope: Scope

    /// The entries of those keys that exist.
    public func get(_ keys: [String]) async throws -> [Entry] {
        try entries(await request("get", ["keys": .array(keys.map(JSON.string))]))
    }

    /// The entry of one key, or nil.
    public func get(_ key: String) async throws -> Entry? { try await get([key]).first }

    /// All entries whose key starts with `prefix`, in byte order; 1,000 for each request.
    public func list(prefix: String) async throws -> [Entry] {
        var all: [Entry] = []
        var after: String?
        repeat {
            var arguments: JSONObject = JSONObject()
            arguments["prefix"] = .string(prefix)
            arguments["limit"] = 1000
            arguments["after"] = after.map(JSON.string)
            let page = try await request("list", .object(arguments))
            all += try entries(page)
            let next = page["after"]?.string
            guard next != after else { break }
            after = next
        } while after != nil
        return all
    }

    /// Writes all or nothing.
    /// - Returns: the new versions of the keys that were put.
    /// - Throws: ``HostError`` with code `conflict` if a condition does not hold.
    @discardableResult
    public func write(
        if conditions: [Condition] = [], put: [String: JSON] = [:], delete: [String] = []
    ) async throws -> [String: String] {
        let answer = try await request(
            "write",
            [
                "if": .array(conditions.map(\.json)),
                "put": .array(put.map { ["key": .string($0.key), "value": $0.value] }),
                "delete": .array(delete.map(JSON.string)),
            ])
        return try answer["versions"]?.decode() ?? [:]
    }

    /// Repeats `attempt` while it fails with `conflict`, pausing a little longer each time (with jitter, so that rivals
    /// part).
    /// - Throws: what `attempt` throws, and the conflict itself after 200 attempts.
    public func retrying<Value: Sendable>(_ attempt: @Sendable (Store) async throws -> Value) async throws -> Value {
        for round in 1..<200 {
            do {
                return try await attempt(self)
            } catch let error as HostError where error.code == .conflict {
                try await host.sleep(milliseconds: Int.random(in: 0...min(2 * round, 40)))
            }
        }
        return try await attempt(self)
    }

    private func request(_ op: String, _ arguments: JSON) async throws -> JSON {
        var object = arguments.object ?? JSONObject()
        object["scope"] = .string(scope.rawValue)
        return try await host.request(.store, op, .object(object))
    }

    private func entries(_ answer: JSON) throws -> [Entry] {
        (answer["entries"]?.array ?? []).compactMap { entry in
            guard let key = entry["key"]?.string, let value = entry["value"], let version = entry["version"]?.string
            else { return nil }
            return Entry(key: key, value: value, version: version)
        }
    }
}

extension Store.Condition {
    fileprivate var json: JSON {
        switch self {
        case .unchanged(let key, let version): ["key": .string(key), "version": .string(version)]
        case .missing(let key): ["key": .string(key), "version": nil]
        }
    }
}
