import Testing

@testable import AgentHost

/// What `plugins new` writes; that it builds and answers is shown by `Tests/Examples/new.py`.
struct NewPluginTests {
    private let place = NewPlugin.Place(
        include: "/usr/include", rust: "/nowhere/agent_plugin.rs", kit: "/usr/share/kit")

    @Test(arguments: [NewPlugin.Language.c, .cpp, .swift]) func everyPlaceIsFilledIn(_ language: NewPlugin.Language)
        throws
    {
        let files = try NewPlugin.files("My_Agent", language, place)
        #expect(files.contains { $0.path == "Makefile" })
        for file in files {
            let text = String(decoding: file.text, as: UTF8.self)
            #expect(text.firstMatch(of: /@[A-Z]+@/) == nil, "\(file.path)")
            #expect(text.hasSuffix("\n") && !text.contains("\t\t"), "\(file.path)")
        }
        let manifest = try #require(files.first { $0.path == "plugin.json" })
        let read = try Manifest(parsing: manifest.text)
        #expect(read.id == "dev.example.my-agent" && read.name == "My_Agent" && read.library == "libMy_Agent.so")
        #expect(read.agents.map(\.id) == ["My_Agent"])
    }

    @Test func whatIsMissingIsNamed() {
        #expect {
            try NewPlugin.files("A", .rust, place)
        } throws: { "\($0)".contains("/nowhere/agent_plugin.rs") }
    }

    @Test(arguments: ["", "1a", "a-b", "a/b", "..", "é", "_a", String(repeating: "a", count: 33)])
    func whatIsNoNameIsRefused(_ name: String) {
        #expect(throws: NewPlugin.Failure.self) { try NewPlugin.make(name, .c) }
    }
}
