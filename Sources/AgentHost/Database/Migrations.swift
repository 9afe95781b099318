internal import CSQLite

/// The numbered steps from an empty database to today's schema.
///
/// The number of the last step lies in the file's header (`user_version`), the mark that a file is ours too (`application_id`).
/// A step that was released is never changed; a new one is added at the end.
struct Migrations {
    /// Step 1 first.
    let steps: [StaticString]

    enum Refusal: Error, Hashable {
        /// Made by a program that knows more steps.
        case newer(found: Int, known: Int)
        /// A database, but not one of ours.
        case foreign
    }

    /// Applies what is missing, each step in a transaction of its own. Right also when two processes do it at once.
    ///
    /// Throws `Refusal` or `DatabaseError`.
    func apply(to connection: Connection) throws {
        try refuseForeign(connection)
        while try connection.schemaVersion() < steps.count {
            try connection.transaction {
                // Another process may have done it since.
                let version = try connection.schemaVersion()
                guard version < steps.count else { return }
                if version == 0 { try connection.execute("PRAGMA application_id = 1097295983") }
                try connection.execute(steps[version])
                try connection.setSchemaVersion(version + 1)
            }
        }
        let version = try connection.schemaVersion()
        if version > steps.count { throw Refusal.newer(found: version, known: steps.count) }
    }

    /// "Agho" in ASCII.
    private static let applicationID: Int64 = 1_097_295_983

    private func refuseForeign(_ connection: Connection) throws {
        try connection.snapshot {
            let mark = try connection.first("PRAGMA application_id") { $0.integer(0) } ?? 0
            if mark == Migrations.applicationID { return }
            let tables = try connection.first("SELECT count(*) FROM sqlite_schema") { $0.integer(0) } ?? 0
            if mark != 0 || tables != 0 { throw Refusal.foreign }
        }
    }
}
