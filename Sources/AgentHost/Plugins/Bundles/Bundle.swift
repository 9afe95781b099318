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
    /// Whether it may run nowhere but in a worker: the policy does not allow it, and yet it is loaded.
    var needsWorker = false

    /// What the host's adapter is called in the private copy of a bundle without a library of its own.
    static let adapterName = "libffi-adapter.so"

    /// The bundle with the host's adapter in it, if it needs that; unchanged otherwise. Blocks.
    func withAdapter(at path: String) throws(BundleError) -> Bundle {
        guard manifest.callsFunctions, !files.contains(where: { $0.path == Bundle.adapterName }) else { return self }
        var bundle = self
        do { bundle.files.append((Bundle.adapterName, try FileSystem.read(path, limit: Bundle.sizeLimit))) } catch {
            throw BundleError(
                reason: "its tools are C functions, and the adapter \(path) cannot be read: \(error.sentence)")
        }
        bundle.files.sort { $0.path.split(separator: "/").lexicographicallyPrecedes($1.path.split(separator: "/")) }
        return bundle
    }

    /// The files that are the author's.
    var ownFiles: [(path: String, bytes: [UInt8])] {
        manifest.callsFunctions ? files.filter { $0.path != Bundle.adapterName } : files
    }

    /// File name for sentences.
    var fileName: String { Bundle.lastComponent(path) }

    /// Whether one of its libraries was compiled from Swift: then the sections of the Swift runtime are in it, however it is linked.
    var holdsSwift: Bool {
        files.contains { file in
            guard file.path.hasSuffix(".so") || file.path.contains(".so."), let elf = try? ELFFile(file.bytes) else {
                return false
            }
            return ["swift5_type_metadata", "swift5_protocols", "swift5_typeref"].contains { elf.section($0) != nil }
        }
    }

    static func lastComponent(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Reads a bundle folder `Name.agentplugin` or a single `.so` and makes every check that needs no code to run. Blocks.
    ///
    /// Refused is also what somebody else than root and this user owns or may write to: the bundle, all that is in it, the folder it lies
    /// in. A folder like `/tmp`, where nobody can touch what others own, is fine.
    static func read(_ path: String) throws(BundleError) -> Bundle {
        let kind = FileSystem.kind(at: path)
        if kind == .folder || kind == .file {
            try Ownership.check(path: folder(of: path) + "/.", "the folder \(folder(of: path))", allowsSticky: true)
        }
        switch kind {
        case .folder: return try readFolder(path)
        case .file: return try readSingleFile(path)
        case .link: throw BundleError(reason: "it is a symbolic link; put the file itself into the folder")
        case .other: throw BundleError(reason: "it is neither a folder nor a file")
        case nil: throw BundleError(reason: "it does not exist")
        }
    }

    /// The folder that something lies in.
    private static func folder(of path: String) -> String {
        var path = path[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
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
        if manifest.callsFunctions {
            guard !files.contains(where: { $0.path == adapterName }) else {
                throw BundleError(reason: "\(adapterName) is a name of the host's; call that file otherwise")
            }
            return Bundle(path: path, files: files, library: adapterName, manifest: manifest)
        }
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
        try Ownership.check(path: path, "the bundle")
        try collect(path, under: "", into: &files, size: &size)
        return files
    }

    private static func readSingleFile(_ path: String) throws(BundleError) -> Bundle {
        let file = lastComponent(path)
        let bytes = try readFile(file, in: folder(of: path) + "/.", limit: sizeLimit)
        return Bundle(
            path: path, files: [(file, bytes)], library: file, manifest: try manifest(inLibrary: bytes, called: file))
    }

    /// Whether it is one library that carries its manifest.
    var isSingleFile: Bool { !files.contains { $0.path == "plugin.json" } }

    /// The manifest as it was found.
    var manifestText: [UInt8] { part(file: "plugin.json", section: Bundle.manifestSection).map(Bundle.unpadded) ?? [] }

    /// `plugin.lock`, or what a single file carries of it; nil when there is none.
    var lock: [UInt8]? { part(file: LockFile.name, section: LockFile.section) }

    /// `plugin.sig`, or what a single file carries of it; nil when there is none.
    var signature: [UInt8]? { part(file: LockFile.signatureName, section: LockFile.signatureSection) }

    private func part(file: String, section: String) -> [UInt8]? {
        guard isSingleFile else { return files.first { $0.path == file }?.bytes }
        return files.first.flatMap { try? ELFFile($0.bytes) }?.section(section).map(Array.init)
    }

    private static let manifestSection = ".agent_plugin"

    /// objcopy keeps the file's bytes; a linker script may pad them.
    private static func unpadded(_ text: [UInt8]) -> [UInt8] {
        var text = Array(text.prefix(Manifest.limit + 1))
        while text.last == 0 { text.removeLast() }
        return text
    }

    /// The manifest that a library carries in a section of its own.
    static func manifest(inLibrary bytes: [UInt8], called file: String) throws(BundleError) -> Manifest {
        guard let section = try ELFFile(bytes).section(manifestSection) else {
            throw BundleError(
                reason:
                    "the library carries no manifest; add it: objcopy --add-section .agent_plugin=plugin.json \(file)")
        }
        return try parse(unpadded(Array(section)))
    }

    static func parse(_ text: [UInt8]) throws(BundleError) -> Manifest {
        do { return try Manifest(parsing: text) } catch { throw BundleError(reason: error.sentence) }
    }

    /// The owner is that of the file that was read: it cannot have been another one's by then.
    private static func readFile(_ path: String, in root: String, limit: Int) throws(BundleError) -> [UInt8] {
        let read: (bytes: [UInt8], facts: FileSystem.Facts)
        do { read = try FileSystem.read(path, in: root, limit: limit) } catch {
            let why = error.code == FileError.tooLarge ? "it is larger than \(limit) bytes" : error.sentence
            throw BundleError(reason: "cannot read \(lastComponent(path)): \(why)")
        }
        try Ownership.check(read.facts, path)
        return read.bytes
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
                try Ownership.check(path: "\(root)/\(relative)", relative)
                try collect(root, under: relative, into: &files, size: &size)
            case .file:
                let bytes = try readFile(relative, in: root, limit: sizeLimit - size)
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
