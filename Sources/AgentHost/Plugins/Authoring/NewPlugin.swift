/// `host-server plugins new`: a folder from which one `make` builds a plugin that answers.
///
/// The templates are part of the program, so that it makes the same whether it runs from a build folder or is installed. Headers are used
/// where they lie; `agent_plugin.rs` is copied, as there is no package to depend on. Every function blocks.
public enum NewPlugin {
    /// What plugins can be written in.
    public enum Language: String, Sendable, CaseIterable {
        case c, cpp, rust, swift
    }

    /// What went wrong, as a sentence.
    public struct Failure: Error, Hashable, CustomStringConvertible {
        /// The sentence.
        public let description: String
    }

    /// What was made.
    public struct Result: Sendable, Hashable {
        /// Where.
        public var folder: String
        /// The agent to chat with.
        public var agent: String
    }

    /// Makes the folder `name` in the working folder.
    ///
    /// - Parameter name: letters, digits and underscores, beginning with a letter, at most 32; also the agent's id.
    /// - Throws: a sentence, when the name will not do, the folder is there already, or what is needed to build is not found.
    public static func make(_ name: String, _ language: Language) throws(Failure) -> Result {
        let isName =
            name.utf8.first.map { $0 < 0x80 && !(0x30...0x39).contains($0) && $0 != 0x5F } ?? false
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
            }
        guard isName, name.utf8.count <= 32 else {
            throw Failure(
                description:
                    "\"\(name)\" is no name for a plugin: use letters, digits and underscores, a letter first, at most 32."
            )
        }
        let place = try Place.find()
        guard FileSystem.kind(at: name) == nil else {
            throw Failure(description: "\(name) exists already; choose another name or remove it.")
        }
        do {
            for file in try files(name, language, place) {
                let path = "\(name)/\(file.path)"
                if let slash = path.lastIndex(of: "/") {
                    try FileSystem.createFolders(String(path[..<slash]), mode: 0o755)
                }
                try FileSystem.create(path, mode: 0o644, file.text)
            }
        } catch let error as FileError {
            throw Failure(description: "Cannot write \(name): \(error.sentence).")
        } catch let error as Failure { throw error } catch {
            throw Failure(description: "Cannot write \(name).")
        }
        return Result(folder: name, agent: name)
    }

    /// Everything that is written, with its path in the new folder.
    static func files(
        _ name: String, _ language: Language, _ place: Place
    ) throws(Failure) -> [(path: String, text: [UInt8])] {
        var files = [("plugin.json", Templates.manifest)]
        switch language {
        case .c: files += [("\(name).c", Templates.c), ("Makefile", Templates.cMakefile)]
        case .cpp: files += [("\(name).cpp", Templates.cpp), ("Makefile", Templates.cppMakefile)]
        case .rust: files += [("\(name).rs", Templates.rust), ("Makefile", Templates.rustMakefile)]
        case .swift:
            files += [
                ("Package.swift", Templates.swiftPackage), ("Sources/\(name)/\(name).swift", Templates.swift),
                ("Sources/\(name)/Entry.swift", Templates.swiftEntry), ("Makefile", Templates.swiftMakefile),
            ]
        }
        let id = "dev.example." + name.lowercased().map { $0 == "_" ? "-" : String($0) }.joined()
        var written = files.map { path, text in
            let filled = [("@NAME@", name), ("@ID@", id), ("@INCLUDE@", place.include), ("@AGENTHOST@", place.kit)]
                .reduce(text) { replace($1.0, in: $0, with: $1.1) }
            return (path, Array((filled + "\n").utf8))
        }
        if language == .rust {
            do { written.append(("agent_plugin.rs", try FileSystem.read(place.rust, limit: 1 << 20))) } catch {
                throw Failure(description: "Cannot read \(place.rust): \(error.sentence).")
            }
        }
        return written
    }

    private static func replace(_ word: String, in text: String, with value: String) -> String {
        var pieces: [Substring] = []
        var rest = text[...]
        while let found = rest.firstRange(of: word) {
            pieces.append(rest[..<found.lowerBound])
            rest = rest[found.upperBound...]
        }
        return (pieces + [rest]).joined(separator: value)
    }

    /// Where the things lie that a plugin is built with.
    struct Place: Sendable, Hashable {
        /// Folder of the headers.
        var include: String
        /// `agent_plugin.rs`.
        var rust: String
        /// The Swift package with AgentPluginKit.
        var kit: String

        /// Of this program: installed (`<prefix>/lib/agenthost`), or in a build folder of the checkout.
        static func find() throws(Failure) -> Place {
            var folder = executableFolder()
            let prefix = Place.parent(Place.parent(folder))
            if FileSystem.kind(at: "\(prefix)/include/agent_plugin.h") == .file {
                return Place(
                    include: "\(prefix)/include", rust: "\(prefix)/include/agent_plugin.rs",
                    kit: "\(prefix)/share/agenthost")
            }
            while folder != "/", !folder.isEmpty {
                let sources = "\(folder)/Sources/PluginABI"
                if FileSystem.kind(at: "\(sources)/include/agent_plugin.h") == .file {
                    return Place(include: "\(sources)/include", rust: "\(sources)/rust/agent_plugin.rs", kit: folder)
                }
                folder = Place.parent(folder)
            }
            throw Failure(
                description:
                    "The plugin headers are neither installed with this program nor in a checkout around it; run "
                    + "`make install` in the checkout.")
        }

        private static func parent(_ path: String) -> String {
            path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ""
        }
    }
}
