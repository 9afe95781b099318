internal import CSQLite

/// A value bound to a statement.
enum DatabaseValue: Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
    /// The string's UTF-8 as a blob: compared byte by byte, NUL allowed.
    case utf8(String)

    /// A blob, or NULL for nil.
    static func blob(_ bytes: [UInt8]?) -> DatabaseValue { bytes.map { .blob($0) } ?? .null }
}

/// A prepared statement. Belongs to its connection and is used by the same thread only.
@safe final class Statement {
    private let handle: OpaquePointer
    private let sql: StaticString

    /// Prepares `sql`, to be kept for long.
    @unsafe init(_ sql: StaticString, database: OpaquePointer) throws(DatabaseError) {
        var made: OpaquePointer?
        let text = unsafe UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self)
        let code = unsafe sqlite3_prepare_v3(
            database, text, Int32(sql.utf8CodeUnitCount), UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
        guard code == SQLITE_OK, let made = unsafe made else {
            throw unsafe DatabaseError(code: code, message: String(cString: sqlite3_errmsg(database)), action: "\(sql)")
        }
        unsafe handle = made
        self.sql = sql
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// Binds the parameters from the first on. SQLite copies the values.
    func bind(_ values: [DatabaseValue]) throws(DatabaseError) {
        for (index, value) in values.enumerated() {
            let code = bind(value, at: Int32(index + 1))
            if code != SQLITE_OK { throw failure(code) }
        }
    }

    private func bind(_ value: DatabaseValue, at index: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(handle, index)
        case .integer(let number): return unsafe sqlite3_bind_int64(handle, index, number)
        case .text(var text):
            guard !text.isEmpty else { return unsafe sqlite3_bind_text(handle, index, "", 0, nil) }
            return text.withUTF8 { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self) {
                    unsafe sqlite3_bind_text64(
                        handle, index, $0.baseAddress, UInt64($0.count), csqlite_transient(), UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            return unsafe bytes.withUnsafeBytes { unsafe bindBlob($0, at: index) }
        case .utf8(var text):
            return text.withUTF8 { unsafe bindBlob(UnsafeRawBufferPointer($0), at: index) }
        }
    }

    private func bindBlob(_ bytes: UnsafeRawBufferPointer, at index: Int32) -> Int32 {
        // A null address would bind NULL.
        guard bytes.count > 0 else { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }
        return unsafe sqlite3_bind_blob64(
            handle, index, bytes.baseAddress, UInt64(bytes.count), csqlite_transient())
    }

    /// Goes to the next row. False at the end.
    func step() throws(DatabaseError) -> Bool {
        let code = unsafe sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure(code)
        }
    }

    /// Makes it ready for the next use and lets go of bound values.
    func reset() {
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    private func failure(_ code: Int32) -> DatabaseError {
        unsafe DatabaseError(
            code: code, message: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))), action: "\(sql)")
    }

    // MARK: The current row

    fileprivate func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    fileprivate func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

    fileprivate func text(_ column: Int32) -> String {
        guard let start = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    fileprivate func blob(_ column: Int32) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// The row a query stands at; only to be used in the closure it is handed to. Columns count from 0.
struct Row {
    fileprivate let statement: Statement

    init(_ statement: Statement) { self.statement = statement }

    func integer(_ column: Int32) -> Int64 { statement.integer(column) }
    func bool(_ column: Int32) -> Bool { statement.integer(column) != 0 }
    func text(_ column: Int32) -> String { statement.text(column) }
    func blob(_ column: Int32) -> [UInt8] { statement.blob(column) }
    func optionalBlob(_ column: Int32) -> [UInt8]? { statement.isNull(column) ? nil : statement.blob(column) }
    /// A blob that `DatabaseValue.utf8` stored.
    func utf8(_ column: Int32) -> String { String(decoding: statement.blob(column), as: UTF8.self) }
}
