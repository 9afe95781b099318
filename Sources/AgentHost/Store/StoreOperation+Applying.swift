extension StoreOperation {
    /// Whether nobody waits for it to be durable.
    var isRelaxed: Bool {
        if case .checkpointTurn = self { true } else { false }
    }

    /// Carries the operation out, on the writer's thread. Throws `StoreError` or `DatabaseError`; what was written before in the
    /// batch is then undone by the writer.
    func apply(to connection: Connection, as holder: LeaseHolder) throws {
        switch self {
        case .insertThread(let thread): try connection.insert(thread)
        case .updateThread(let id, let owner, let json):
            let changed = try connection.run(
                "UPDATE threads SET json = ? WHERE id = ? AND owner = ?", .blob(json), .text(id), .text(owner.text))
            if changed == 0 { throw StoreError.threadNotFound }
        case .bindThread(let id, let owner, let agent):
            let changed = try connection.run(
                "UPDATE threads SET agent = ? WHERE id = ? AND owner = ?", .text(agent), .text(id), .text(owner.text))
            if changed == 0 { throw StoreError.threadNotFound }
        case .deleteThread(let id, let owner): try connection.deleteThread(id, owner)
        case .insertItem(let item, let owner): try connection.insert(item, owner)
        case .upsertItem(let item, let owner): try connection.upsert(item, owner)
        case .replaceItem(let item, let expected, let owner): try connection.replace(item, expected, owner)
        case .deleteItem(let id, let thread, let owner):
            guard let number = try connection.threadNumber(thread, owner) else { return }
            try connection.run("DELETE FROM items WHERE thread = ? AND id = ?", .integer(number), .text(id))
        case .deleteItemsAfter(let id, let thread, let owner): try connection.deleteItems(after: id, thread, owner)
        case .openTurn(let turn): try connection.open(turn, holder)
        case .checkpointTurn(let id, let json):
            try connection.run("UPDATE turns SET checkpoint = ? WHERE id = ?", .blob(json), .text(id))
        case .closeTurn(let id): try connection.run("DELETE FROM turns WHERE id = ?", .text(id))
        }
    }
}

extension Connection {
    /// A thread's place in the insertion sequence, by which items name it. Nil when it is missing or not the owner's.
    func threadNumber(_ id: String, _ owner: OwnerKey) throws(DatabaseError) -> Int64? {
        try first("SELECT seq FROM threads WHERE id = ? AND owner = ?", .text(id), .text(owner.text)) { $0.integer(0) }
    }

    // MARK: Threads

    fileprivate func insert(_ thread: StoredThread) throws {
        _ = try refusingDuplicates {
            try run(
                "INSERT INTO threads (id, owner, agent, created_at, json) VALUES (?, ?, ?, ?, ?)",
                .text(thread.id), .text(thread.owner.text), .text(thread.agent),
                .integer(thread.createdAt.microseconds), .blob(thread.json))
        }
    }

    fileprivate func deleteThread(_ id: String, _ owner: OwnerKey) throws {
        guard let number = try threadNumber(id, owner) else { return }
        try run("DELETE FROM items WHERE thread = ?", .integer(number))
        try run("DELETE FROM turns WHERE thread = ?", .integer(number))
        try run("DELETE FROM entries WHERE scope = 2 AND scope_id = ?", .text(id))
        try run("DELETE FROM threads WHERE seq = ?", .integer(number))
    }

    // MARK: Items

    fileprivate func insert(_ item: StoredItem, _ owner: OwnerKey) throws {
        let inserted = try refusingDuplicates {
            try run(
                """
                INSERT INTO items (thread, id, type, hidden, created_at, json, host_json)
                SELECT seq, ?, ?, ?, ?, ?, ? FROM threads WHERE id = ? AND owner = ?
                """,
                .text(item.id), .text(item.type), .integer(item.isHidden ? 1 : 0),
                .integer(item.createdAt.microseconds), .blob(item.json), .blob(item.hostJSON),
                .text(item.threadID), .text(owner.text))
        }
        if inserted == 0 { throw StoreError.threadNotFound }
    }

    fileprivate func upsert(_ item: StoredItem, _ owner: OwnerKey) throws {
        let changed = try run(
            """
            INSERT INTO items (thread, id, type, hidden, created_at, json, host_json)
            SELECT seq, ?, ?, ?, ?, ?, ? FROM threads WHERE id = ? AND owner = ?
            ON CONFLICT (thread, id) DO UPDATE SET type = excluded.type, hidden = excluded.hidden,
                created_at = excluded.created_at, json = excluded.json, host_json = excluded.host_json
            """,
            .text(item.id), .text(item.type), .integer(item.isHidden ? 1 : 0),
            .integer(item.createdAt.microseconds), .blob(item.json), .blob(item.hostJSON),
            .text(item.threadID), .text(owner.text))
        if changed == 0 { throw StoreError.threadNotFound }
    }

    fileprivate func replace(_ item: StoredItem, _ expected: [UInt8], _ owner: OwnerKey) throws {
        guard let number = try threadNumber(item.threadID, owner), try itemNumber(item.id, thread: number) != nil else {
            throw StoreError.itemNotFound
        }
        let changed = try run(
            "UPDATE items SET type = ?, hidden = ?, json = ?, host_json = ? WHERE thread = ? AND id = ? AND json = ?",
            .text(item.type), .integer(item.isHidden ? 1 : 0), .blob(item.json), .blob(item.hostJSON), .integer(number),
            .text(item.id), .blob(expected))
        if changed == 0 { throw StoreError.conflict }
    }

    fileprivate func deleteItems(after id: String, _ thread: String, _ owner: OwnerKey) throws {
        guard let number = try threadNumber(thread, owner),
            let place = try itemNumber(id, thread: number)
        else { throw StoreError.itemNotFound }
        try run(
            "DELETE FROM items INDEXED BY items_in_order WHERE thread = ? AND seq > ?", .integer(number),
            .integer(place))
    }

    /// An item's place in the insertion sequence.
    func itemNumber(_ id: String, thread: Int64) throws(DatabaseError) -> Int64? {
        try first("SELECT seq FROM items WHERE thread = ? AND id = ?", .integer(thread), .text(id)) { $0.integer(0) }
    }

    // MARK: Turns

    /// Takes the thread's lease.
    ///
    /// A dead host's lease is taken at once; its turn stays behind, without the lease, until `interruptedTurns` has reported it
    /// and it is closed: what was checkpointed is never lost.
    fileprivate func open(_ turn: OpenTurn, _ holder: LeaseHolder) throws {
        guard try !takeLease(turn, holder) else { return }
        guard let number = try threadNumber(turn.threadID, turn.owner) else { throw StoreError.threadNotFound }
        let current = try first("SELECT holder FROM turns WHERE thread = ? AND lease = 1", .integer(number)) {
            $0.integer(0)
        }
        // Taken, and by nobody in this thread: the turn's id is used elsewhere.
        guard let current else { throw StoreError.exists }
        guard !holder.isAlive(current) else { throw StoreError.busy }
        try run("UPDATE turns SET lease = 0 WHERE thread = ? AND lease = 1", .integer(number))
        guard try takeLease(turn, holder) else { throw StoreError.exists }
    }

    /// False when the lease, or the turn's id, is taken.
    private func takeLease(_ turn: OpenTurn, _ holder: LeaseHolder) throws -> Bool {
        do {
            let inserted = try run(
                """
                INSERT INTO turns (id, thread, holder, lease, checkpoint)
                SELECT ?, seq, ?, 1, ? FROM threads WHERE id = ? AND owner = ?
                """,
                .text(turn.id), .integer(holder.id), .blob(turn.checkpoint), .text(turn.threadID),
                .text(turn.owner.text))
            if inserted == 0 { throw StoreError.threadNotFound }
            return true
        } catch let error as DatabaseError where error.isUniqueViolation {
            return false
        }
    }

    /// Makes the breach of a UNIQUE rule `.exists`.
    private func refusingDuplicates(_ write: () throws -> Int) throws -> Int {
        do {
            return try write()
        } catch let error as DatabaseError where error.isUniqueViolation {
            throw StoreError.exists
        }
    }
}

extension SQLiteStore {
    func interruptedTurns() async throws(StoreError) -> [OpenTurn] {
        let holder = holder
        return try await change { connection in
            let holders = try connection.all("SELECT DISTINCT holder FROM turns") { $0.integer(0) }
            var turns: [OpenTurn] = []
            for dead in holders where !holder.isAlive(dead) {
                turns += try connection.all(
                    """
                    SELECT turns.id, threads.id, threads.owner, checkpoint
                    FROM turns JOIN threads ON threads.seq = turns.thread WHERE holder = ? ORDER BY threads.seq, lease
                    """, .integer(dead)
                ) { row in
                    OpenTurn(
                        id: row.text(0), threadID: row.text(1), owner: OwnerKey(row.text(2)),
                        checkpoint: row.optionalBlob(3))
                }
                try connection.run(
                    "UPDATE turns SET holder = ? WHERE holder = ?", .integer(holder.id), .integer(dead))
            }
            return turns
        }
    }
}
