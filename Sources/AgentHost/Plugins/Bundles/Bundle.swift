/// Why a bundle is refused: a clause that completes "<file>: …".
struct BundleError: Error, Hashable {
    var reason: String
}

/// A plugin as it was found on disk, read completely: everything later (manifest, checks, hash, copy) works on these bytes, so
/// nobody can exchange a file between a check and its use.
struct Bundle: Sendable {
    /// Most bytes and files of a bundle.
    static let sizeLimit = 512 << 20
    static let fileLimit = 4_096

    /// Where it was found.
    var path: String
    /// Contents by path relative to the bundle, sorted by path.
    var files: [(path: String, bytes: [UInt8])]
    /// Relative path of the library.
    var library: String
    var manifest: Manifest

    /// File name for sentences.
    var fileName: String { Bundle.lastComponent(path) }

    static func lastComponent(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Reads a bundle folder `Name.agentplugin` or a single `.so` and makes every check that needs no code to run. Blocks.
    static func read(_ path: String) throws(BundleError) -> Bundle {
        switch FileSystem.kind(at: path) {
        case .folder: try readFolder(path)
        case .file: try readSingleFile(path)
        case .link: throw BundleError(reason: "it is a symbolic link; put the file itself into the folder")
        case .other: throw BundleError(reason: "it is neither a folder nor a file")
        case nil: throw BundleError(reason: "it does not exist")
        }
    }

    private static func readFolder(_ path: String) throws(BundleError) -> Bundle {
        guard FileSystem.kind(at: "\(path)/plugin.json") == .file else {
            throw BundleError(reason: "the bundle has no plugin.json")
        }
        let files = try contents(of: path)
        guard let text = files.first(where: { $0.path == "plugin.json" })?.bytes else {
            throw BundleError(reason: "the bundle has no plugin.json")
        }
        let manifest = try parse(text)
        guard let library = manifest.library else {
            throw BundleError(reason: "plugin.json: library is missing; it must name the bundle's shared library")
        }
        guard let bytes = files.first(where: { $0.path == library })?.bytes else {
            throw BundleError(reason: "the bundle has no file \"\(library)\", which plugin.json names as its library")
        }
        do { _ = try ELFFile(bytes) } catch { throw BundleError(reason: "\(library): \(error.reason)") }
        return Bundle(path: path, files: files, library: library, manifest: manifest)
    }

    /// All files below a folder, in the order of their names.
    static func contents(of path: String) throws(BundleError) -> [(path: String, bytes: [UInt8])] {
        var files: [(path: String, bytes: [UInt8])] = []
        var size = 0
        try collect(path, under: "", into: &files, size: &size)
        return files
    }

    private static func readSingleFile(_ path: String) throws(BundleError) -> Bundle {
        let bytes = try readFile(path, limit: sizeLimit)
        let file = lastComponent(path)
        return Bundle(
            path: path, files: [(file, bytes)], library: file, manifest: try manifest(inLibrary: bytes, called: file))
    }

    /// The manifest that a library carries in a section of its own.
    static func manifest(inLibrary bytes: [UInt8], called file: String) throws(BundleError) -> Manifest {
        guard let section = try ELFFile(bytes).section(".agent_plugin") else {
            throw BundleError(
                reason:
                    "the library carries no manifest; add it: objcopy --add-section .agent_plugin=plugin.json \(file)")
        }
        // objcopy keeps the file's bytes; a linker script may pad them.
        var text = Array(section.prefix(Manifest.limit + 1))
        while text.last == 0 { text.removeLast() }
        return try parse(text)
    }

    static func parse(_ text: [UInt8]) throws(BundleError) -> Manifest {
        do { return try Manifest(parsing: text) } catch { throw BundleError(reason: error.sentence) }
    }

    private static func readFile(_ path: String, limit: Int) throws(BundleError) -> [UInt8] {
        do { return try FileSystem.read(path, limit: limit) } catch {
            let why = error.code == FileError.tooLarge ? "it is larger than \(limit) bytes" : error.sentence
            throw BundleError(reason: "cannot read \(lastComponent(path)): \(why)")
        }
    }

    private static func collect(
        _ root: String, under folder: String, into files: inout [(path: String, bytes: [UInt8])], size: inout Int
    ) throws(BundleError) {
        let entries: [FileSystem.Entry]
        do { entries = try FileSystem.list(folder.isEmpty ? root : "\(root)/\(folder)") } catch {
            throw BundleError(reason: "cannot list \(folder.isEmpty ? "the bundle" : folder): \(error.sentence)")
        }
        for entry in entries {
            let relative = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
            switch entry.kind {
            case .folder:
                guard relative.utf8.count < 1_024 else {
                    throw BundleError(reason: "its folders are nested too deeply at \(relative.prefix(80))…")
                }
                try collect(root, under: relative, into: &files, size: &size)
            case .file:
                let bytes = try readFile("\(root)/\(relative)", limit: sizeLimit - size)
                size += bytes.count
                files.append((relative, bytes))
                guard files.count <= fileLimit else {
                    throw BundleError(reason: "the bundle holds more than \(fileLimit) files")
                }
            case .link: throw BundleError(reason: "\(relative) is a symbolic link; bundles hold plain files only")
            case .other: throw BundleError(reason: "\(relative) is neither a folder nor a file")
            }
        }
    }
}
