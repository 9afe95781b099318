import Foundation
import Testing

/// The documents name what is there.
struct DocumentationTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        .standardizedFileURL

    static func page(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Every file that `docs/architecture.md` names exists; a bare name or a path below a room counts where it is found.
    @Test func theArchitecturePageNamesFilesThatExist() throws {
        let files = try #require(FileManager.default.enumerator(atPath: Self.root.path)).compactMap { $0 as? String }
            .filter { ($0.hasPrefix("Sources/") || $0.hasPrefix("Plugins/")) && !$0.contains("/.") }
        let names = try Self.page("docs/architecture.md").matches(of: /`([A-Za-z0-9+\-_\/]+\.(?:swift|c|h|json))`/).map
        {
            String($0.1)
        }
        #expect(names.count > 30)
        for name in names { #expect(files.contains { $0 == name || $0.hasSuffix("/" + name) }, "\(name)") }
    }

    /// Every page that the README links to exists.
    @Test func theReadmeLinksToPagesThatExist() throws {
        let links = try Self.page("README.md").matches(of: /\]\((docs\/[^)#]+)/).map { String($0.1) }
        #expect(links.count > 5)
        for link in links {
            #expect(FileManager.default.fileExists(atPath: Self.root.appendingPathComponent(link).path), "\(link)")
        }
    }

    /// The plugin in the README is the one that `Tests/AgentPluginKitTests/ReadmePlugin.swift` compiles.
    @Test func theReadmesPluginIsCompiled() throws {
        let compiled = try Self.page("Tests/AgentPluginKitTests/ReadmePlugin.swift")
        let sample = try #require(compiled.components(separatedBy: "// README\n").dropFirst().first)
        #expect(try Self.page("README.md").contains(sample.trimmingCharacters(in: .newlines)))
    }

    /// The JSON of `docs/emit-kinds.md` is what the fixture plugin emits, and each kind that the runtime knows has its section.
    @Test func theKindsOfEmitAreDocumentedByWhatAPluginEmits() throws {
        let page = try Self.page("docs/emit-kinds.md")
        let shown = page.components(separatedBy: "```json\n").dropFirst()
            .flatMap { $0.components(separatedBy: "```")[0].split(separator: "\n").map(String.init) }
        let source = try Self.page("Tests/Fixtures/KindsC/plugin.c")
        // `#__VA_ARGS__` makes one blank of each run of white space.
        let emitted = source.matches(of: /JSON\((\{[\s\S]*?\})\)\},\n/).map {
            String($0.1).replacing(/\s+/, with: " ")
        }
        #expect(emitted.count > 30)
        #expect(Set(emitted) == Set(shown))
        let runtime = try Self.page("Sources/PluginRuntime/emissions.c")
        let behind = try #require(runtime.components(separatedBy: "kinds[] = {").last)
        let list = behind.components(separatedBy: "};")[0]
        let kinds = list.matches(of: /"([a-z_.]+)"/).map { String($0.1) }
        #expect(kinds.count == 20)
        for kind in kinds {
            #expect(page.contains("### `\(kind)`"), "\(kind)")
            #expect(source.contains("\"\(kind)\""), "\(kind)")
        }
    }
}
