private import Glibc

/// Why a database could not be opened at start: one sentence that names the file and what to do.
struct StoreOpenError: Error, Hashable, CustomStringConvertible {
    /// Stable, for machines.
    enum Code: String, Sendable {
        /// The place is wrong: no such folder, a folder, no right to write, …
        case unwritable
        /// No database, another program's, or a damaged one.
        case notADatabase = "not_a_database"
        case damaged
        /// Made by a newer AgentHost.
        case newer
        /// Anything else: locked for long, disk full, I/O error.
        case failed
    }

    var code: Code
    var sentence: String
    var description: String { sentence }

    /// The place `path` cannot hold a database, for this errno.
    static func place(_ path: String, errno error: Int32) -> StoreOpenError {
        let reason =
            switch error {
            case ENOENT, ENOTDIR: "its folder does not exist; create the folder or choose another path"
            case EISDIR: "it is a folder; name a file"
            case EINVAL: "it is not a regular file; name another path"
            case EACCES, EPERM: "this user may not read and write it and its folder; change their permissions"
            case EROFS: "its file system is read-only; choose another path"
            case ENOSPC, EDQUOT: "its disk is full; free some space"
            case ENAMETOOLONG: "its name is too long; choose a shorter path"
            case EMFILE, ENFILE: "no file descriptors are left; raise the limit (ulimit -n)"
            case ENOLCK, EOPNOTSUPP: "its file system has no file locks; put it on a local disk"
            default: "the system refuses it (errno \(error)); choose another path"
            }
        return StoreOpenError(code: .unwritable, sentence: "Cannot use the database '\(path)': \(reason).")
    }

    /// What opening or migrating the database met.
    static func refusal(_ path: String, _ error: any Error) -> StoreOpenError {
        switch error {
        case let error as StoreOpenError: return error
        case Migrations.Refusal.newer(let found, let known):
            return StoreOpenError(
                code: .newer,
                sentence:
                    "The database '\(path)' was made by a newer AgentHost (schema \(found), this one knows \(known)); "
                    + "upgrade AgentHost or restore a backup.")
        case Migrations.Refusal.foreign:
            return StoreOpenError(
                code: .notADatabase,
                sentence: "'\(path)' is a database of another program; choose another path for AgentHost's.")
        case let error as DatabaseError where error.isDamage:
            return .damage(path, error.message)
        case let error as DatabaseError:
            return StoreOpenError(code: .failed, sentence: "Cannot use the database '\(path)': \(error.sentence)")
        default:
            return StoreOpenError(code: .failed, sentence: "Cannot use the database '\(path)': \(error)")
        }
    }

    /// The file is no sound database.
    static func damage(_ path: String, _ finding: String) -> StoreOpenError {
        StoreOpenError(
            code: .damaged,
            sentence: "The file '\(path)' is damaged or no SQLite database (\(finding)); "
                + "restore a backup or choose another path. It was left as it is.")
    }
}
