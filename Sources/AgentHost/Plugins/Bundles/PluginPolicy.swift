/// Which plugins an operator allows: a file with `{"allow": [{"id", "versions"?, "key"?, "sha256"?}]}`. A plugin is allowed when one entry
/// fits in all that it names; each must name a key or a hash.
struct PluginPolicy: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        /// An id, or the beginning of one and `*`.
        var id: String
        /// Nil: every version.
        var versions: VersionRange?
        /// Who must have signed it: 64 hexadecimal digits.
        var key: String?
        /// The bundle's hash, as `host-server plugins verify` shows it.
        var sha256: String?

        func includes(id other: String) -> Bool {
            id.hasSuffix("*") ? other.hasPrefix(id.dropLast()) : id == other
        }
    }
    var entries: [Entry]

    /// Reads the file. Blocks.
    static func read(_ path: String) throws(BundleError) -> PluginPolicy {
        let text: [UInt8]
        do { text = try FileSystem.read(path, limit: 1 << 20) } catch {
            throw BundleError(reason: "the plugin policy \(path) cannot be read: \(error.sentence)")
        }
        do { return try PluginPolicy(parsing: text) } catch {
            throw BundleError(reason: "the plugin policy \(path) cannot be used: \(error.reason)")
        }
    }

    init(parsing text: [UInt8]) throws(BundleError) {
        let json: JSON
        do { json = try JSON.parse(text) } catch { throw BundleError(reason: "it is not JSON: \(error.sentence)") }
        guard let members = json.object, let list = members["allow"]?.array else {
            throw BundleError(reason: "it must be an object with a list \"allow\"")
        }
        if let unknown = members.members.first(where: { $0.key != "allow" })?.key {
            throw BundleError(reason: "\"\(unknown)\" is unknown; there is only \"allow\"")
        }
        entries = []
        for (index, element) in list.enumerated() {
            do { entries.append(try PluginPolicy.entry(element)) } catch {
                throw BundleError(reason: "allow[\(index)]: \(error.reason)")
            }
        }
    }

    private static func entry(_ json: JSON) throws(BundleError) -> Entry {
        guard let members = json.object else { throw BundleError(reason: "it must be an object") }
        // A misspelt "versions" would allow more than was meant.
        for (key, value) in members.members {
            guard ["id", "versions", "key", "sha256"].contains(key) else {
                throw BundleError(reason: "\"\(key)\" is unknown; there are id, versions, key and sha256")
            }
            guard value.string != nil else { throw BundleError(reason: "\(key) must be text") }
        }
        guard let id = members["id"]?.string, !id.isEmpty else { throw BundleError(reason: "id is missing") }
        var entry = Entry(id: id)
        if let text = members["versions"]?.string {
            guard let range = VersionRange(text) else {
                throw BundleError(reason: "versions must look like \">=1.2 <2\" or \"1.4.0\"")
            }
            entry.versions = range
        }
        for (name, path) in [("key", \Entry.key), ("sha256", \Entry.sha256)] {
            guard let text = members[name]?.string else { continue }
            guard let value = bytes(hex: Array(text.utf8)[...]), value.count == 32 else {
                throw BundleError(reason: "\(name) must be 64 hexadecimal digits in lower case")
            }
            entry[keyPath: path] = text
        }
        guard entry.key != nil || entry.sha256 != nil else {
            throw BundleError(reason: "it names neither key nor sha256, so anybody could be \(id)")
        }
        return entry
    }

    /// Refuses a plugin that no entry allows, and says what is missing.
    func check(id: String, version: String, signer: String?, sha256: String) throws(BundleError) {
        let named = entries.filter { $0.includes(id: id) }
        guard !named.isEmpty else { throw BundleError(reason: "the plugin policy does not allow the id \"\(id)\"") }
        let current = named.filter { $0.versions?.contains(version) ?? true }
        guard !current.isEmpty else {
            throw BundleError(reason: "the plugin policy does not allow version \(version) of \"\(id)\"")
        }
        let isAllowed = current.contains { entry in
            (entry.key == nil || entry.key == signer) && (entry.sha256 == nil || entry.sha256 == sha256)
        }
        if isAllowed { return }
        guard let signer else {
            throw BundleError(
                reason: "it is not signed, and the plugin policy does not allow its SHA-256 \(sha256); sign it: "
                    + "host-server plugins sign")
        }
        throw BundleError(
            reason: "the plugin policy allows neither its signer \(signer) nor its SHA-256 \(sha256) for \"\(id)\"")
    }
}
