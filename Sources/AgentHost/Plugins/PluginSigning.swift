/// Keys and signatures of plugins, for the command line. Every function blocks.
public enum PluginSigning {
    /// What went wrong, as a sentence.
    public struct Failure: Error, Hashable, CustomStringConvertible {
        /// The sentence.
        public let description: String

        init(_ error: BundleError) { description = error.reason + "." }
        init(_ description: String) { self.description = description }
    }

    /// What is known of a plugin on disk.
    public struct Report: Sendable, Hashable {
        /// Of the manifest.
        public var id: String
        /// Of the manifest.
        public var version: String
        /// Of the whole bundle, for a policy.
        public var sha256: String
        /// The public key that vouches for it; nil when nobody does.
        public var signer: String?
    }

    /// Writes a new private key to `path`, which must not exist yet, for its owner alone (mode 0600).
    /// - Returns: the public key, for policies.
    public static func makeKey(at path: String) throws(Failure) -> String {
        let key: SigningKey
        do { key = try SigningKey() } catch { throw Failure(error) }
        do { try FileSystem.create(path, mode: 0o600, key.pem()) } catch {
            throw Failure(
                error.code == FileError.exists
                    ? "\(path) exists already; a key is never overwritten." : "Cannot write \(path): \(error.sentence)."
            )
        }
        return key.publicKey
    }

    /// Locks and signs the bundle folder or single file at `path`. An earlier signature is replaced.
    public static func sign(_ path: String, keyFile: String) throws(Failure) -> Report {
        let text: [UInt8]
        do { text = try FileSystem.read(keyFile, limit: 1 << 16) } catch {
            throw Failure("Cannot read the key \(keyFile): \(error.sentence).")
        }
        do {
            let key = try SigningKey(pem: text)
            let bundle = try Bundle.read(path)
            if bundle.isSingleFile { try signSingleFile(bundle, key) } else { try signFolder(bundle, key) }
        } catch { throw Failure(error) }
        return try inspect(path)
    }

    /// Checks lock and signature, as far as there are some.
    public static func inspect(_ path: String) throws(Failure) -> Report {
        do {
            let bundle = try Bundle.read(path)
            let verdict = try PluginTrust.verify(bundle, PluginTrust.Rules())
            return Report(
                id: bundle.manifest.id, version: bundle.manifest.version, sha256: verdict.sha256, signer: verdict.signer
            )
        } catch { throw Failure(error) }
    }

    /// Whether the policy allows the plugin. Throws a sentence when it does not.
    public static func check(_ path: String, policy: String) throws(Failure) {
        do { _ = try PluginTrust.verify(try Bundle.read(path), PluginTrust.Rules(policy: policy)) } catch {
            throw Failure(error)
        }
    }

    private static func signFolder(_ bundle: Bundle, _ key: borrowing SigningKey) throws(BundleError) {
        let lock = LockFile(of: bundle).text
        let signature = try SignatureFile(signing: lock, with: key)
        // Between the two writes the signature does not fit; then the plugin is refused, which is right.
        try replace("\(bundle.path)/\(LockFile.name)", lock, mode: 0o644)
        try replace("\(bundle.path)/\(LockFile.signatureName)", signature.text, mode: 0o644)
    }

    private static func signSingleFile(_ bundle: Bundle, _ key: borrowing SigningKey) throws(BundleError) {
        guard var image = ELFImage(bundle.files[0].bytes) else {
            throw BundleError(reason: "the file is no ELF library")
        }
        // Taking off what an earlier signing has appended; if that was changed since, this is not what was signed.
        if let text = bundle.lock {
            let earlier = try LockFile(parsing: text)
            guard let library = earlier.library, let restored = image.restored(library.size, library.sections) else {
                throw BundleError(reason: "its lock is damaged; build the library again")
            }
            image = restored
        }
        let lock = LockFile(of: bundle, unsigned: image).text
        let signature = try SignatureFile(signing: lock, with: key)
        let signed = try image.appending([
            (LockFile.section, lock), (LockFile.signatureSection, signature.text),
        ])
        try replace(bundle.path, signed.bytes, mode: 0o755)
    }

    /// Writes a file beside the old one and puts it in its place.
    private static func replace(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(BundleError) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[..<$0]) } ?? "."
        let temporary = "\(folder)/.\(randomID("new"))"
        do {
            try FileSystem.create(temporary, mode: mode, bytes)
            try FileSystem.rename(temporary, to: path)
        } catch {
            FileSystem.removeAll(temporary)
            throw BundleError(reason: "cannot write \(path): \(error.sentence)")
        }
    }
}
