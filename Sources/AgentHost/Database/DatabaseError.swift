internal import CSQLite

/// What SQLite refused, and what it was asked.
struct DatabaseError: Error, Hashable {
    /// SQLite's extended result code (sqlite.org/rescode.html).
    var code: Int32
    /// SQLite's own words.
    var message: String
    /// What was being done: SQL text, or "open …".
    var action: String

    /// The result code without its extension.
    var primaryCode: Int32 { code & 0xFF }

    /// Whether a UNIQUE or PRIMARY KEY rule was broken.
    var isUniqueViolation: Bool { code == csqlite_constraint_unique || code == csqlite_constraint_primarykey }

    /// Whether another connection held the lock for too long.
    var isBusy: Bool { primaryCode == SQLITE_BUSY || primaryCode == SQLITE_LOCKED }

    /// Whether the file itself is not sound.
    var isDamage: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }

    /// A sentence for people that says what to mend. Never holds values, only SQL text.
    var sentence: String {
        switch primaryCode {
        case SQLITE_FULL: "The disk of the database is full; free some space on it."
        case SQLITE_BUSY, SQLITE_LOCKED:
            "Another process holds the database locked; end it or wait until it is done."
        case SQLITE_READONLY, SQLITE_PERM: "The database cannot be written; give this user write access to it."
        case SQLITE_IOERR: "Reading or writing the database failed (\(message), code \(code)); look at its disk."
        case SQLITE_CANTOPEN:
            "The database or its log cannot be opened (\(message)); see that it exists and that descriptors are left."
        case SQLITE_CORRUPT, SQLITE_NOTADB: "The database file is damaged (\(message)); restore a backup."
        case SQLITE_NOMEM: "There is no memory left for the database; give this process more."
        case SQLITE_TOOBIG: "A value is too large for the database; send less."
        default: "The database failed (\(message), code \(code)) at: \(action)"
        }
    }
}
