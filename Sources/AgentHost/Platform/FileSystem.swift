internal import CPlatform

/// Why a file or folder could not be used: an errno with its sentence.
struct FileError: Error, Hashable {
    var code: Int32
    /// "No such file or directory", …
    var sentence: String

    init(_ code: Int32) {
        self.code = code
        sentence = unsafe String(cString: cplatform_error_text(code))
    }

    /// Throws if `code` is an errno.
    static func check(_ code: Int32) throws(FileError) { if code != 0 { throw FileError(code) } }

    static let exists: Int32 = 17
    static let tooLarge: Int32 = 27
    static let isLink: Int32 = 40
}

/// Files and folders for the loader. Every function blocks: call them on a thread of our own.
enum FileSystem {
    enum Kind: Sendable, Hashable { case file, folder, link, other }

    struct Entry: Sendable, Hashable {
        var name: String
        var kind: Kind
    }

    /// The bytes of a regular file of at most `limit` bytes. Does not follow a symbolic link.
    static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        var memory: UnsafeMutablePointer<UInt8>?
        var count = 0
        try FileError.check(unsafe cplatform_file_read(path, limit, &memory, &count))
        defer { unsafe cplatform_free(memory) }
        return unsafe [UInt8](UnsafeBufferPointer(start: memory, count: count))
    }

    /// Who owns something and what others may do with it.
    struct Facts: Sendable, Hashable {
        var kind: Kind
        /// User id.
        var owner: UInt32
        /// Permission bits, with sticky, set-user and set-group.
        var mode: UInt32
    }

    /// Of what is at `path`; of the link itself, if it is one.
    static func facts(of path: String) throws(FileError) -> Facts {
        var facts = cplatform_facts()
        try FileError.check(unsafe cplatform_facts_of(path, &facts))
        return Facts(facts)
    }

    /// The user whose rights this process has.
    static var user: UInt32 { cplatform_user() }

    /// The bytes of the regular file `relative` in the folder `root`, at most `limit`, and the facts of the very file that was read.
    /// Follows no symbolic link on the way from `root` on.
    static func read(_ relative: String, in root: String, limit: Int) throws(FileError) -> (
        bytes: [UInt8], facts: Facts
    ) {
        var memory: UnsafeMutablePointer<UInt8>?
        var count = 0
        var facts = cplatform_facts()
        try FileError.check(unsafe cplatform_file_read_in(root, relative, limit, &memory, &count, &facts))
        defer { unsafe cplatform_free(memory) }
        return (unsafe [UInt8](UnsafeBufferPointer(start: memory, count: count)), Facts(facts))
    }

    /// Makes a new file with `mode`, synced to the disk.
    static func create(_ path: String, mode: UInt32, _ bytes: [UInt8]) throws(FileError) {
        try FileError.check(
            unsafe bytes.withUnsafeBytes { unsafe cplatform_file_create(path, mode, $0.baseAddress, $0.count) })
    }

    /// The entries of a folder, sorted by name; names that are not UTF-8 are repaired, so they will not be found again.
    static func list(_ path: String) throws(FileError) -> [Entry] {
        var memory: UnsafeMutablePointer<CChar>?
        var count = 0
        try FileError.check(unsafe cplatform_folder_list(path, &memory, &count))
        defer { unsafe cplatform_free(memory) }
        let bytes = unsafe UnsafeRawBufferPointer(start: memory, count: count)
        return unsafe bytes.split(separator: 0)
            .map { Entry(name: unsafe String(decoding: $0.dropFirst(), as: UTF8.self), kind: unsafe kind($0.first)) }
            .sorted { $0.name < $1.name }
    }

    /// What is at `path`, nil for nothing.
    static func kind(at path: String) -> Kind? {
        let letter = unsafe UInt8(bitPattern: cplatform_kind(path))
        return letter == 0 ? nil : kind(letter)
    }

    fileprivate static func kind(_ letter: UInt8?) -> Kind {
        switch letter {
        case UInt8(ascii: "f"): .file
        case UInt8(ascii: "d"): .folder
        case UInt8(ascii: "l"): .link
        default: .other
        }
    }

    /// Makes the folder and the ones it lies in, as far as they are missing.
    static func createFolders(_ path: String, mode: UInt32) throws(FileError) {
        let code = unsafe cplatform_folder_create(path, mode)
        if code == 0 || (code == FileError.exists && kind(at: path) != .file) { return }
        guard code == 2, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw FileError(code) }
        try createFolders(String(path[..<slash]), mode: mode)
        try FileError.check(unsafe cplatform_folder_create(path, mode))
    }

    static func sync(folder path: String) throws(FileError) {
        try FileError.check(unsafe cplatform_folder_sync(path))
    }

    static func rename(_ from: String, to: String) throws(FileError) {
        try FileError.check(unsafe cplatform_rename(from, to))
    }

    /// Lets two existing files or folders change places in one step.
    static func exchange(_ one: String, _ other: String) throws(FileError) {
        try FileError.check(unsafe cplatform_exchange(one, other))
    }

    /// A number that changes when something at or below `path` does; nil when nothing is there.
    static func signature(of path: String) -> UInt64? {
        let signature = unsafe cplatform_tree_signature(path)
        return signature == 0 ? nil : signature
    }

    /// Removes a file, or a folder with all that is in it; what cannot be removed stays.
    static func removeAll(_ path: String) {
        if kind(at: path) == .folder, let entries = try? list(path) {
            for entry in entries { removeAll("\(path)/\(entry.name)") }
        }
        _ = unsafe cplatform_remove(path)
    }
}

extension FileSystem.Facts {
    fileprivate init(_ facts: cplatform_facts) {
        self.init(kind: FileSystem.kind(UInt8(bitPattern: facts.kind)), owner: facts.owner, mode: facts.mode)
    }
}
