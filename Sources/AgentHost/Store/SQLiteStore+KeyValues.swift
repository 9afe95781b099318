extension SQLiteStore {
    func values(_ keys: [String], in space: KeySpace) async throws(StoreError) -> [KeyValueEntry] {
        try await read { connection in
            try connection.snapshot {
                try keys.compactMap { try connection.entry($0, in: space) }
            }
        }
    }

    func list(
        prefix: String, after: String?, limit: Int, in space: KeySpace
    ) async throws(StoreError) -> [KeyValueEntry] {
        let range = KeyRange(prefix: prefix, after: after)
        return try await read { connection in
            try connection.all(
                """
                SELECT key, value, version FROM entries
                WHERE scope = ? AND scope_id = ? AND plugin = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?
                """, space.kind, space.id, .text(space.plugin), .blob(range.start), .blob(range.end),
                .integer(Int64(max(0, limit))), read: KeyValueEntry.init(row:))
        }
    }

    func write(_ write: KeyValueWrite, in space: KeySpace) async throws(StoreError) -> [String: String] {
        try await change { connection in
            try connection.refuseMissingThread(of: space)
            for (key, version) in write.conditions {
                guard try connection.entry(key, in: space)?.version == version else { throw StoreError.conflict }
            }
            let version = try connection.nextVersion()
            var versions: [String: String] = [:]
            for (key, value) in write.puts {
                try connection.put(key, value, version, in: space)
                versions[key] = String(version)
            }
            for key in write.deletes {
                try connection.delete(key, in: space)
                versions[key] = nil
            }
            return versions
        }
    }
}

extension KeySpace {
    fileprivate var kind: DatabaseValue {
        switch scope {
        case .plugin: .integer(0)
        case .user: .integer(1)
        case .thread: .integer(2)
        }
    }

    fileprivate var id: DatabaseValue {
        switch scope {
        case .plugin: .text("")
        case .user(let owner): .text(owner.text)
        case .thread(let id): .text(id)
        }
    }
}

/// The keys from `start` up to, not including, `end`, by their bytes.
struct KeyRange: Hashable {
    var start: [UInt8]
    var end: [UInt8]

    /// The keys that start with `prefix` and are greater than `after`.
    init(prefix: String, after: String?) {
        let prefix = Array(prefix.utf8)
        start = prefix
        // The smallest key greater than another is that one with a zero byte behind it.
        if let after = after.map({ Array($0.utf8) + [0] }), start.lexicographicallyPrecedes(after) { start = after }
        // The smallest that is greater than all with the prefix: its last byte plus one. A byte of UTF-8 is never 0xFF.
        end = prefix
        if let last = end.popLast() { end.append(last + 1) } else { end = [0xFF] }
    }
}

extension Connection {
    fileprivate func entry(_ key: String, in space: KeySpace) throws(DatabaseError) -> KeyValueEntry? {
        try first(
            """
            SELECT key, value, version FROM entries
            WHERE scope = ? AND scope_id = ? AND plugin = ? AND key = ?
            """, space.kind, space.id, .text(space.plugin), .utf8(key), read: KeyValueEntry.init(row:))
    }

    fileprivate func put(_ key: String, _ value: [UInt8], _ version: Int64, in space: KeySpace) throws(DatabaseError) {
        try run(
            """
            INSERT INTO entries (scope, scope_id, plugin, key, version, value) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET version = excluded.version, value = excluded.value
            """, space.kind, space.id, .text(space.plugin), .utf8(key), .integer(version), .blob(value))
    }

    fileprivate func delete(_ key: String, in space: KeySpace) throws(DatabaseError) {
        try run(
            "DELETE FROM entries WHERE scope = ? AND scope_id = ? AND plugin = ? AND key = ?",
            space.kind, space.id, .text(space.plugin), .utf8(key))
    }

    fileprivate func nextVersion() throws(DatabaseError) -> Int64 {
        try first("UPDATE counters SET value = value + 1 WHERE name = 'version' RETURNING value") { $0.integer(0) } ?? 0
    }

    /// Keys of a thread go with the thread: a write that comes after that would stay for ever.
    fileprivate func refuseMissingThread(of space: KeySpace) throws {
        guard case .thread(let id) = space.scope else { return }
        let found = try first("SELECT 1 FROM threads WHERE id = ?", .text(id)) { _ in true }
        if found == nil { throw StoreError.threadNotFound }
    }
}

extension KeyValueEntry {
    /// From the columns key, value, version.
    fileprivate init(row: Row) {
        self.init(key: row.utf8(0), value: row.blob(1), version: String(row.integer(2)))
    }
}
