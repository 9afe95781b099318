extension SQLiteStore {
    func thread(_ id: String, owner: OwnerKey) async throws(StoreError) -> StoredThread? {
        try await read { connection in
            try connection.first(
                "SELECT id, owner, agent, created_at, json FROM threads WHERE id = ? AND owner = ?",
                .text(id), .text(owner.text), read: StoredThread.init(row:))
        }
    }

    func threads(owner: OwnerKey, page: PageRequest) async throws(StoreError) -> StoredPage<StoredThread> {
        try await read { connection in
            try connection.snapshot {
                let cursor = try page.cursor { try connection.threadNumber($0, owner) }
                return page.page(try connection.threads(owner, page, from: cursor))
            }
        }
    }

    func items(
        thread: String, owner: OwnerKey, page: PageRequest, includingHidden: Bool
    ) async throws(StoreError) -> StoredPage<StoredItem> {
        try await read { connection in
            try connection.snapshot {
                guard let number = try connection.threadNumber(thread, owner) else { throw StoreError.threadNotFound }
                let cursor = try page.cursor { try connection.itemNumber($0, thread: number) }
                return page.page(try connection.items(number, thread, page, from: cursor, hidden: includingHidden))
            }
        }
    }

    func item(_ id: String, thread: String, owner: OwnerKey) async throws(StoreError) -> StoredItem? {
        try await read { connection in
            try connection.first(
                """
                SELECT items.id, type, hidden, items.created_at, items.json, host_json
                FROM items JOIN threads ON threads.seq = items.thread
                WHERE threads.id = ? AND threads.owner = ? AND items.id = ?
                """, .text(thread), .text(owner.text), .text(id)
            ) { StoredItem(row: $0, thread: thread) }
        }
    }

    func items(ofType type: String, thread: String, owner: OwnerKey) async throws(StoreError) -> [StoredItem] {
        try await read { connection in
            try connection.snapshot {
                guard let number = try connection.threadNumber(thread, owner) else { throw StoreError.threadNotFound }
                return try connection.all(
                    """
                    SELECT id, type, hidden, created_at, json, host_json FROM items INDEXED BY items_in_order
                    WHERE thread = ? AND type = ? ORDER BY seq
                    """, .integer(number), .text(type)
                ) { StoredItem(row: $0, thread: thread) }
            }
        }
    }

    func history(thread: String, owner: OwnerKey, limit: Int) async throws(StoreError) -> [StoredItem] {
        try await read { connection in
            try connection.snapshot {
                guard let number = try connection.threadNumber(thread, owner) else { throw StoreError.threadNotFound }
                return try connection.all(
                    """
                    SELECT id, type, hidden, created_at, json, host_json FROM items INDEXED BY items_in_order
                    WHERE thread = ? ORDER BY seq DESC LIMIT ?
                    """, .integer(number), .integer(Int64(max(0, limit)))
                ) { StoredItem(row: $0, thread: thread) }.reversed()
            }
        }
    }
}

extension PageRequest {
    /// The place after which the page begins: of `after`, or of the end from which the order starts.
    fileprivate func cursor(_ place: (String) throws -> Int64?) throws -> Int64 {
        guard let after else { return order == .ascending ? 0 : .max }
        guard let found = try place(after) else { throw StoreError.cursorNotFound }
        return found
    }

    /// One more than the page holds, to see whether more follow.
    fileprivate var fetched: DatabaseValue { .integer(Int64(wanted) + 1) }

    /// The limit, within what fits into memory anyway.
    private var wanted: Int { min(max(1, limit), 1 << 24) }

    /// The page out of what was fetched.
    fileprivate func page<Element>(_ fetched: [Element]) -> StoredPage<Element> {
        StoredPage(elements: Array(fetched.prefix(wanted)), hasMore: fetched.count > wanted)
    }
}

extension Connection {
    fileprivate func threads(_ owner: OwnerKey, _ page: PageRequest, from place: Int64) throws -> [StoredThread] {
        switch page.order {
        case .ascending:
            try all(
                """
                SELECT id, owner, agent, created_at, json FROM threads INDEXED BY threads_in_order
                WHERE owner = ? AND seq > ? ORDER BY seq LIMIT ?
                """, .text(owner.text), .integer(place), page.fetched, read: StoredThread.init(row:))
        case .descending:
            try all(
                """
                SELECT id, owner, agent, created_at, json FROM threads INDEXED BY threads_in_order
                WHERE owner = ? AND seq < ? ORDER BY seq DESC LIMIT ?
                """, .text(owner.text), .integer(place), page.fetched, read: StoredThread.init(row:))
        }
    }

    /// - Parameter hidden: whether hidden items come too.
    fileprivate func items(
        _ number: Int64, _ thread: String, _ page: PageRequest, from place: Int64, hidden: Bool
    ) throws -> [StoredItem] {
        switch page.order {
        case .ascending:
            try all(
                """
                SELECT id, type, hidden, created_at, json, host_json FROM items INDEXED BY items_in_order
                WHERE thread = ? AND seq > ? AND hidden <= ? ORDER BY seq LIMIT ?
                """, .integer(number), .integer(place), .integer(hidden ? 1 : 0), page.fetched
            ) { StoredItem(row: $0, thread: thread) }
        case .descending:
            try all(
                """
                SELECT id, type, hidden, created_at, json, host_json FROM items INDEXED BY items_in_order
                WHERE thread = ? AND seq < ? AND hidden <= ? ORDER BY seq DESC LIMIT ?
                """, .integer(number), .integer(place), .integer(hidden ? 1 : 0), page.fetched
            ) { StoredItem(row: $0, thread: thread) }
        }
    }
}

extension StoredThread {
    /// From the columns id, owner, agent, created_at, json.
    fileprivate init(row: Row) {
        self.init(
            id: row.text(0), owner: OwnerKey(row.text(1)), agent: row.text(2),
            createdAt: Timestamp(microseconds: row.integer(3)), json: row.blob(4))
    }
}

extension StoredItem {
    /// From the columns id, type, hidden, created_at, json, host_json.
    fileprivate init(row: Row, thread: String) {
        self.init(
            id: row.text(0), threadID: thread, type: row.text(1), isHidden: row.bool(2),
            createdAt: Timestamp(microseconds: row.integer(3)), json: row.blob(4), hostJSON: row.optionalBlob(5))
    }
}
