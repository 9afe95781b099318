/// `plugin.lock`: what a plugin consists of, so that a signature over it covers everything. JSON:
///
/// - of a folder: `{"format": 1, "id", "version", "files": {path: SHA-256}}`, every file but the lock and the signature;
/// - of a single file: `"library": {"size", "sha256", "sections"}` instead: the file as it was before the lock and the signature were
///   appended to it, without the place of its section table (which appending moves), and `files` holds the manifest alone.
struct LockFile: Sendable, Hashable {
    static let name = "plugin.lock"
    static let signatureName = "plugin.sig"
    static let section = ".agent_lock"
    static let signatureSection = ".agent_sig"

    var id: String
    var version: String
    /// SHA-256 by path.
    var files: [String: String]
    /// Of a single file.
    var library: Library?

    struct Library: Sendable, Hashable {
        var size: Int
        var sha256: String
        /// Where the section table was, to take the signature off again.
        var sections: ELFFile.SectionTable
    }

    /// The lock of a bundle as it is now. `unsigned` is the single file without an earlier signature; nil for folders.
    init(of bundle: Bundle, unsigned: ELFImage? = nil) {
        id = bundle.manifest.id
        version = bundle.manifest.version
        files = [:]
        if let unsigned {
            files["plugin.json"] = sha256(bundle.manifestText)
            library = Library(
                size: unsigned.bytes.count, sha256: unsigned.digest(size: unsigned.bytes.count),
                sections: unsigned.table)
        } else {
            for file in bundle.ownFiles where !LockFile.isLockOrSignature(file.path) {
                files[file.path] = sha256(file.bytes)
            }
        }
    }

    static func isLockOrSignature(_ path: String) -> Bool { path == name || path == signatureName }

    // MARK: Text

    /// The same for the same contents.
    var text: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("format", 1)
            writer.member("id", id)
            writer.member("version", version)
            writer.key("files")
            writer.object { writer in
                for (path, digest) in files.sorted(by: { $0.key < $1.key }) {
                    writer.key(escaped: path)
                    writer.string(digest)
                }
            }
            guard let library else { return }
            writer.key("library")
            writer.object { writer in
                writer.member("size", library.size)
                writer.member("sha256", library.sha256)
                writer.key("sections")
                writer.array { writer in
                    for number in library.sections.numbers { writer.int(number) }
                }
            }
        }
        return writer.take() + [UInt8(ascii: "\n")]
    }

    init(parsing text: [UInt8]) throws(BundleError) {
        guard text.count <= 4 << 20, let json = (try? JSON.parse(text))?.object, json["format"] == 1,
            let id = json["id"]?.string, let version = json["version"]?.string, let files = json["files"]?.object
        else { throw LockFile.malformed }
        self.id = id
        self.version = version
        self.files = [:]
        for (path, digest) in files.members {
            guard let digest = digest.string else { throw LockFile.malformed }
            self.files[path] = digest
        }
        guard let library = json["library"] else { return }
        guard let members = library.object, let size = members["size"]?.int, size > 0,
            let digest = members["sha256"]?.string,
            let numbers = members["sections"]?.array?.compactMap(\.int),
            let table = ELFFile.SectionTable(numbers: numbers)
        else { throw LockFile.malformed }
        self.library = Library(size: Int(size), sha256: digest, sections: table)
    }

    private static let malformed = BundleError(reason: "plugin.lock is malformed; sign the plugin again")

    // MARK: Checking

    /// Refuses a bundle that is not the one of this lock.
    func check(_ bundle: Bundle) throws(BundleError) {
        guard id == bundle.manifest.id, version == bundle.manifest.version else {
            throw BundleError(
                reason: "plugin.lock is of \(id) \(version), the manifest says \(bundle.manifest.id) "
                    + "\(bundle.manifest.version)")
        }
        if bundle.isSingleFile { return try checkSingleFile(bundle) }
        guard library == nil else { throw LockFile.malformed }
        var seen = 0
        for file in bundle.ownFiles where !LockFile.isLockOrSignature(file.path) {
            guard let digest = files[file.path] else {
                throw BundleError(reason: "\(file.path) is not in plugin.lock: it was added after locking")
            }
            guard digest == sha256(file.bytes) else {
                throw BundleError(
                    reason: "\(file.path) was changed after locking: its SHA-256 is not that of plugin.lock")
            }
            seen += 1
        }
        guard seen == files.count else {
            let missing = files.keys.sorted().first { path in !bundle.files.contains { $0.path == path } }
            throw BundleError(reason: "\(missing ?? "a file") is in plugin.lock, but missing")
        }
    }

    private func checkSingleFile(_ bundle: Bundle) throws(BundleError) {
        guard let library, files.count == 1, let image = ELFImage(bundle.files[0].bytes) else {
            throw LockFile.malformed
        }
        guard library.size <= image.bytes.count, image.isMappedWithin(library.size),
            image.digest(size: library.size) == library.sha256
        else { throw BundleError(reason: "the library was changed after signing: its SHA-256 is not that of its lock") }
        guard files["plugin.json"] == sha256(bundle.manifestText) else {
            throw BundleError(reason: "the manifest was changed after signing: its SHA-256 is not that of the lock")
        }
    }
}
