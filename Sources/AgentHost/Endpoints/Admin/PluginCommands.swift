/// The commands of `host-server plugins`: what an operator types, as requests to the running host, and its answers as text.
public struct PluginCommands: Sendable {
    /// What may stand beside the words.
    public struct Options: Sendable {
        /// Share of the threads that a new version is tried out on.
        public var canary: Int?
        /// The generation to return to.
        public var generation: Int?
        /// Prints the host's answer as it is.
        public var isJSON = false
        /// None of them.
        public init() {}
    }

    private let client: AdminClient

    /// - Parameter client: leads to the host.
    public init(_ client: AdminClient) { self.client = client }

    /// One line for each command, for `--help`.
    public static let help = """
          plugins list                        what is loaded, what was refused and why
          plugins inspect ID                  all generations of a plugin, what it offers, who is pinned
          plugins install PATH [--canary N]   puts a bundle or .so into the plugin folder and loads it; N: for N % of the threads
          plugins canary ID N                 gives the canary N % of the threads
          plugins promote ID                  lets the canary serve
          plugins rollback ID [--to N]        takes the canary back, or returns to generation N or the one before
          plugins reload ID                   loads what lies in the folder anew
          plugins disable ID | enable ID      takes a plugin out of service, also over restarts; and back
          plugins pin ID THREAD N             lets all turns of a thread go to generation N
          plugins unpin ID THREAD
        """

    /// Runs one command.
    ///
    /// - Returns: the text to print.
    /// - Throws: `HostError`; its code is `usage` when the words make no command.
    public func run(_ words: [String], _ options: Options) async throws(HostError) -> String {
        let verb = words.first ?? "list"
        let rest = Array(words.dropFirst())
        switch (verb, rest.count) {
        case ("list", 0): return try await list(options)
        case ("inspect", 1): return text(try await client.send("GET", path(rest[0])), options)
        case ("install", 1): return text(try await install(rest[0], options), options)
        case ("rollback", 1):
            let body: JSON = options.generation.map { ["generation": .int(Int64($0))] } ?? [:]
            return text(try await client.send("POST", path(rest[0], "rollback"), body), options)
        case ("reload", 1), ("disable", 1), ("enable", 1), ("promote", 1):
            return text(try await client.send("POST", path(rest[0], verb)), options)
        case ("canary", 2):
            let body: JSON = ["percent": .int(try number(rest[1]))]
            return text(try await client.send("POST", path(rest[0], verb), body), options)
        case ("pin", 3):
            let body: JSON = ["thread_id": .string(rest[1]), "generation": .int(try number(rest[2]))]
            return text(try await client.send("POST", path(rest[0], verb), body), options)
        case ("unpin", 2):
            return text(try await client.send("POST", path(rest[0], verb), ["thread_id": .string(rest[1])]), options)
        default:
            throw HostError("\"plugins \(words.joined(separator: " "))\" is no command", code: "usage")
        }
    }

    private func path(_ id: String, _ command: String? = nil) throws(HostError) -> String {
        guard !id.isEmpty, id.utf8.allSatisfy({ PluginCommands.isOfID($0) }) else {
            throw HostError(
                "\"\(id)\" is no plugin id; `plugins list` shows them.", code: ErrorCode.unknownPlugin.rawValue)
        }
        return "/admin/plugins/\(id)" + (command.map { "/\($0)" } ?? "")
    }

    private static func isOfID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func number(_ text: String) throws(HostError) -> Int64 {
        guard let number = Int64(text), number >= 0 else {
            throw HostError("\"\(text)\" must be a whole number", code: "usage")
        }
        return number
    }

    // MARK: Installing

    /// Copies the bundle into the host's plugin folder, under a name that the host's watch leaves alone, and tells the host.
    private func install(_ path: String, _ options: Options) async throws(HostError) -> JSON {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let name = Bundle.lastComponent(path)
        guard PluginHost.isPluginName(name) else {
            throw HostError("\(name) must end in .agentplugin or .so.", code: "invalid_plugin_name")
        }
        let list = try await client.send("GET", "/admin/plugins")
        guard let folder = list["folders"]?.array?.first?.string, FileSystem.kind(at: folder) == .folder else {
            throw HostError(
                "The host's plugin folder is not on this machine; copy the bundle there yourself.",
                code: "plugin_folder_missing")
        }
        let staged = ".\(randomID("new"))-\(name)"
        let copying = BlockingWork(name: "install")
        let (source, target) = (path, "\(folder)/\(staged)")
        let result: Result<Void, FileError> = await copying.run {
            do throws(FileError) {
                try PluginCommands.copy(source, to: target)
                return .success(())
            } catch {
                FileSystem.removeAll(target)
                return .failure(error)
            }
        }
        copying.close()
        if case .failure(let error) = result {
            throw HostError("\(path) cannot be copied to \(folder): \(error.sentence).", code: "copy_failed")
        }
        var body = JSONObject(members: [("staged", .string(staged)), ("name", .string(name))])
        if let canary = options.canary { body["canary"] = .int(Int64(canary)) }
        return try await client.send("POST", "/admin/plugins", .object(body))
    }

    private static func copy(_ source: String, to target: String) throws(FileError) {
        guard FileSystem.kind(at: source) == .folder else {
            return try FileSystem.create(target, mode: 0o644, try FileSystem.read(source, limit: Bundle.sizeLimit))
        }
        try FileSystem.createFolders(target, mode: 0o755)
        for entry in try FileSystem.list(source) {
            try copy("\(source)/\(entry.name)", to: "\(target)/\(entry.name)")
        }
    }

    // MARK: Text

    private func list(_ options: Options) async throws(HostError) -> String {
        let answer = try await client.send("GET", "/admin/plugins")
        if options.isJSON { return String(decoding: answer.encoded, as: UTF8.self) }
        let plugins = answer["plugins"]?.array ?? []
        var rows = [["ID", "VERSION", "GEN", "STATE", "MODE", "FILE", "REASON"]]
        for plugin in plugins {
            var state = plugin["state"]?.string ?? ""
            if let canary = plugin["canary"] {
                state = "serving, \(canary["percent"]?.int ?? 0) % on \(canary["generation"]?.int ?? 0)"
            }
            rows.append([
                plugin["id"]?.string ?? "-", plugin["version"]?.string ?? "-",
                plugin["generation"]?.int.map(String.init) ?? "-", state, plugin["mode"]?.string ?? "-",
                plugin["file"]?.string ?? "", plugin["reason"]?.string ?? "",
            ])
        }
        if plugins.isEmpty { return "No plugins. `host-server plugins install PATH` adds one." }
        return PluginCommands.table(rows)
    }

    /// What is known of one plugin.
    private func text(_ plugin: JSON, _ options: Options) -> String {
        if options.isJSON { return String(decoding: plugin.encoded, as: UTF8.self) }
        var lines = ["\(plugin["id"]?.string ?? "") is \(plugin["state"]?.string ?? "")"]
        if let version = plugin["version"]?.string, let generation = plugin["generation"]?.int {
            lines[0] += ": version \(version), generation \(generation), \(plugin["mode"]?.string ?? "")"
        }
        if let canary = plugin["canary"] {
            lines.append(
                "canary: version \(canary["version"]?.string ?? ""), generation \(canary["generation"]?.int ?? 0), "
                    + "\(canary["percent"]?.int ?? 0) % of the threads")
        }
        if let reason = plugin["reason"]?.string { lines.append("reason: \(reason)") }
        for what in ["agents", "tools", "models"] {
            let names = (plugin[what]?.array ?? []).compactMap(\.string)
            if !names.isEmpty { lines.append("\(what): \(names.joined(separator: ", "))") }
        }
        if let pins = plugin["pins"]?.object?.members, !pins.isEmpty {
            lines.append("pinned: " + pins.map { "\($0.key) to \($0.value.int ?? 0)" }.joined(separator: ", "))
        }
        var rows = [["GEN", "VERSION", "STATUS", "TURNS", "SINCE", "REASON"]]
        for generation in (plugin["generations"]?.array ?? []).reversed() {
            rows.append([
                generation["generation"]?.int.map(String.init) ?? "", generation["version"]?.string ?? "",
                generation["status"]?.string ?? "", generation["turns"]?.int.map(String.init) ?? "",
                String((generation["changed_at"]?.string ?? "").prefix(19)), generation["reason"]?.string ?? "",
            ])
        }
        return lines.joined(separator: "\n") + "\n" + PluginCommands.table(rows)
    }

    /// Columns as wide as they need; the last one is not filled up.
    private static func table(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line +=
                    column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
