internal import CPlatform
internal import CSQLite

/// A connection to a SQLite file with its prepared statements.
///
/// SQL is always a literal (`StaticString`): text from outside reaches it through bound values only.
@safe final class Connection: @unchecked Sendable {
    // Unchecked: opened without SQLite's own mutex and used by one thread at a time: the one that opens it, then the one it is
    // handed to.
    private let handle: OpaquePointer
    private var statements: [UInt: Statement] = [:]

    enum Mode { case write, read }

    /// Opens the file, which must exist. WAL, durable commits (`measurements.md` 3), 5 s of patience with other processes.
    init(path: String, mode: Mode) throws(DatabaseError) {
        var made: OpaquePointer?
        // A path is never taken for a URI ("file:…") or for SQLite's ":memory:".
        let name = path.hasPrefix("/") ? path : "./" + path
        let access = mode == .write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY
        let code = unsafe sqlite3_open_v2(
            name, &made, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let made = unsafe made else {
            throw DatabaseError(code: SQLITE_NOMEM, message: "out of memory", action: "open \(path)")
        }
        unsafe handle = made
        guard code == SQLITE_OK else { throw failure(code, "open \(path)") }
        unsafe sqlite3_busy_timeout(made, 5_000)
        if mode == .write {
            try becomeWriter()
        } else {
            try execute("PRAGMA query_only = ON; PRAGMA cache_size = -4000")
        }
    }

    /// SQLite puts the end off until the statements are finalized, which follows.
    deinit { unsafe sqlite3_close_v2(handle) }

    private func becomeWriter() throws(DatabaseError) {
        // Two processes that start at the same moment: the change of the journal does not wait by itself.
        let deadline = monotonicMilliseconds() + 5_000
        while true {
            do {
                try execute("PRAGMA journal_mode = WAL")
                break
            } catch  where error.isBusy && monotonicMilliseconds() < deadline {
                cplatform_sleep_ms(5)
            }
        }
        try execute(
            """
            PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;
            PRAGMA secure_delete = FAST; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY
            """)
    }

    // MARK: Statements

    /// Runs a script of several statements; their rows are dropped. For rare things: nothing is kept prepared.
    func execute(_ script: StaticString) throws(DatabaseError) {
        let text = unsafe UnsafeRawPointer(script.utf8Start).assumingMemoryBound(to: CChar.self)
        let code = unsafe sqlite3_exec(handle, text, nil, nil, nil)
        if code != SQLITE_OK { throw failure(code, "\(script)") }
    }

    /// Runs one statement; answers how many rows it changed.
    @discardableResult
    func run(_ sql: StaticString, _ values: DatabaseValue...) throws(DatabaseError) -> Int {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        while try statement.step() {}
        return unsafe Int(sqlite3_changes(handle))
    }

    /// The first row of a query, or nil.
    func first<T>(_ sql: StaticString, _ values: DatabaseValue..., read: (Row) -> T) throws(DatabaseError) -> T? {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        return try statement.step() ? read(Row(statement)) : nil
    }

    /// All rows of a query. Bound it with LIMIT.
    func all<T>(_ sql: StaticString, _ values: DatabaseValue..., read: (Row) -> T) throws(DatabaseError) -> [T] {
        let statement = try prepared(sql)
        defer { statement.reset() }
        try statement.bind(values)
        var rows: [T] = []
        while try statement.step() { rows.append(read(Row(statement))) }
        return rows
    }

    private func prepared(_ sql: StaticString) throws(DatabaseError) -> Statement {
        // A literal lies at one address for as long as the program runs.
        let key = unsafe UInt(bitPattern: sql.utf8Start)
        if let statement = statements[key] { return statement }
        let statement = try unsafe Statement(sql, database: handle)
        statements[key] = statement
        return statement
    }

    // MARK: Transactions

    /// Whether a transaction is open. SQLite ends one by itself after some errors (sqlite.org/lang_transaction.html).
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Runs `body` in a write transaction: all or nothing.
    func transaction<T>(_ body: () throws -> T) throws -> T {
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            if isInTransaction { try run("ROLLBACK") }
            throw error
        }
    }

    /// Runs `body` with all its reads on one state of the database.
    func snapshot<T>(_ body: () throws -> T) throws -> T {
        try run("BEGIN")
        defer { _ = try? run("COMMIT") }
        return try body()
    }

    // MARK: Marks in the file's header

    /// `PRAGMA user_version`: the number of the last migration that was applied.
    func schemaVersion() throws(DatabaseError) -> Int {
        Int(try first("PRAGMA user_version") { $0.integer(0) } ?? 0)
    }

    /// Sets `schemaVersion`; part of the transaction.
    func setSchemaVersion(_ version: Int) throws(DatabaseError) {
        let code = unsafe sqlite3_exec(handle, "PRAGMA user_version = \(version)", nil, nil, nil)
        if code != SQLITE_OK { throw failure(code, "PRAGMA user_version") }
    }

    private func failure(_ code: Int32, _ action: String) -> DatabaseError {
        unsafe DatabaseError(code: code, message: String(cString: sqlite3_errmsg(handle)), action: action)
    }
}
