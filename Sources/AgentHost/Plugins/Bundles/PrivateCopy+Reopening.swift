extension PrivateCopy {
    /// Reads a copy that was made earlier, as the bundle it was made of: for a generation that is loaded again when its original may be gone.
    /// Blocks.
    ///
    /// - Parameters:
    ///   - hash: of the content; a copy that does not have it any more is refused.
    ///   - file: what the bundle or the single file was called.
    static func reopen(hash: String, file: String, cache: String) throws(BundleError) -> Bundle {
        let folder = "\(cache)/\(hash)"
        guard hash.count == 64, hash.allSatisfy(\.isHexDigit), FileSystem.kind(at: folder) == .folder else {
            throw BundleError(reason: "its private copy is gone from \(cache); install that version again")
        }
        let found = try Bundle.contents(of: folder)
        let isSingle = !found.contains { $0.path == "plugin.json" }
        let manifest = try manifest(of: found, isSingle: isSingle)
        let unique = uniqueName(manifest, hash)
        let library = isSingle ? file : manifest.library ?? Bundle.adapterName
        // The digest goes over the files in the order of the original names.
        let files = found.map { ($0.path == unique ? library : $0.path, $0.bytes) }
            .sorted { components($0.0).lexicographicallyPrecedes(components($1.0)) }
        guard digest(files) == hash else {
            throw BundleError(reason: "its private copy in \(cache) was changed; install that version again")
        }
        return Bundle(path: file, files: files, library: library, manifest: manifest)
    }

    private static func components(_ path: String) -> [Substring] { path.split(separator: "/") }

    private static func manifest(
        of files: [(path: String, bytes: [UInt8])], isSingle: Bool
    ) throws(BundleError) -> Manifest {
        if isSingle {
            guard let library = files.first, files.count == 1 else {
                throw BundleError(reason: "its private copy is damaged; install that version again")
            }
            return try Bundle.manifest(inLibrary: library.bytes, called: library.path)
        }
        guard let text = files.first(where: { $0.path == "plugin.json" })?.bytes else {
            throw BundleError(reason: "its private copy is damaged; install that version again")
        }
        return try Bundle.parse(text)
    }
}
