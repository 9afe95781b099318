/// Bundles copied to where only this host writes: what is loaded is exactly what was checked, an update of the original never
/// changes a mapped file, and new contents get a new name, hence new code (abi.md 4.9).
struct PrivateCopy: Sendable, Hashable {
    /// `<cache>/<hash>`.
    var folder: String
    /// Absolute path of the library, with a file name that no other version has.
    var library: String
    /// SHA-256 over the paths and contents of the bundle.
    var hash: String

    /// Makes the copy, or finds the one that is there already and is intact. Blocks.
    static func make(of bundle: Bundle, cache: String) throws(BundleError) -> PrivateCopy {
        do { try FileSystem.createFolders(cache, mode: 0o700) } catch {
            throw BundleError(reason: "cannot copy it to \(cache): \(error.sentence)")
        }
        // Whoever may write there could exchange a copy after it was checked.
        try Ownership.check(path: cache, "the cache folder \(cache)")
        let hash = digest(bundle.files)
        let unique = uniqueName(bundle.manifest, hash)
        let folder = "\(cache)/\(hash)"
        let copy = PrivateCopy(folder: folder, library: "\(folder)/\(unique)", hash: hash)
        if copy.isIntact(bundle, unique) { return copy }
        do { try write(bundle, unique, cache: cache, folder: folder) } catch {
            // Another host with the same cache may have been faster.
            if copy.isIntact(bundle, unique) { return copy }
            throw BundleError(reason: "cannot copy it to \(cache): \(error.sentence)")
        }
        return copy
    }

    /// `lib<Name>-<12 digits of the hash>.so`, in the folder where the bundle has its library.
    static func uniqueName(_ manifest: Manifest, _ hash: String) -> String {
        "lib\(manifest.name)-\(hash.prefix(12)).so"
    }

    /// Lengths go in as well, so that no two bundles have the same input.
    static func digest(_ files: [(path: String, bytes: [UInt8])]) -> String {
        var digest = SHA256Digest()
        for file in files {
            digest.update(Array("\(file.path.utf8.count) \(file.bytes.count) \(file.path)".utf8))
            digest.update(file.bytes)
        }
        return digest.finish()
    }

    private static func target(_ path: String, _ bundle: Bundle, _ unique: String) -> String {
        path == bundle.library ? unique : path
    }

    /// Whether the copy holds every file with its bytes, compared one by one, and no other library.
    private func isIntact(_ bundle: Bundle, _ unique: String) -> Bool {
        guard FileSystem.kind(at: folder) == .folder else { return false }
        return bundle.files.allSatisfy { file in
            let path = "\(folder)/\(PrivateCopy.target(file.path, bundle, unique))"
            guard let bytes = try? FileSystem.read(path, limit: file.bytes.count) else { return false }
            return bytes == file.bytes
        }
    }

    private static func write(_ bundle: Bundle, _ unique: String, cache: String, folder: String) throws(FileError) {
        try FileSystem.createFolders(cache, mode: 0o700)
        let temporary = "\(cache)/.\(randomID("new"))"
        do {
            try FileSystem.createFolders(temporary, mode: 0o700)
            for file in bundle.files {
                let path = "\(temporary)/\(target(file.path, bundle, unique))"
                if let slash = path.lastIndex(of: "/") {
                    try FileSystem.createFolders(String(path[..<slash]), mode: 0o700)
                }
                try FileSystem.create(path, mode: file.path == bundle.library ? 0o500 : 0o400, file.bytes)
            }
            try FileSystem.sync(folder: temporary)
            // A damaged copy of the same hash makes room; nobody can be loading it, as it was found damaged just now.
            if FileSystem.kind(at: folder) != nil { FileSystem.removeAll(folder) }
            try FileSystem.rename(temporary, to: folder)
            try FileSystem.sync(folder: cache)
        } catch {
            FileSystem.removeAll(temporary)
            throw error
        }
    }
}
