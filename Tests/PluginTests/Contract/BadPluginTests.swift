import Foundation
import Testing

@testable import AgentHost

/// Every way to be a bad plugin: refused with a sentence that names the file and the reason; the good ones load and work.
@Suite(.timeLimit(.minutes(3)))
struct BadPluginTests {
    /// What the sentence must contain, by name of the fixture.
    private static let reasons: [String: String] = [
        "BadToolName.agentplugin": #"tools[0].name "not.a name" must be a string that matches [A-Za-z0-9_-]{1,64}"#,
        "CrashesInConstructor.agentplugin": "the worker process was ended by SIG",
        "CrashesInCreate.agentplugin": "the worker process was ended by SIG",
        "CreateFails.agentplugin": "create",
        "CreateHangs.agentplugin": "loading it did not end within 700 ms",
        "DuplicateOfEchoC.agentplugin":
            #"plugin id "dev.agenthost.fixture.echo-c" is already taken by EchoC.agentplugin"#,
        "EmptyFile.agentplugin": "the file is empty",
        "EntryNull.agentplugin": "null",
        "ExitsInCreate.agentplugin": "the worker process ended with exit status",
        "IdMismatch.agentplugin": "id",
        "ManifestNotJSON.agentplugin": "plugin.json is not JSON",
        "ManifestWithoutId.agentplugin": "id is missing",
        "MissingLibrary.agentplugin": #"the bundle has no file "libMissingLibrary.so""#,
        "MissingSymbol.agentplugin": "ap_plugin_entry_v1",
        "NoSection.so": "objcopy --add-section .agent_plugin=plugin.json NoSection.so",
        "NotELF.agentplugin": "libNotELF.so: the file is no ELF shared library",
        "NotGranted.agentplugin": "it was not given ap.host.kv/1: list that in `requires` or `uses` of the manifest",
        "NullCallBegin.agentplugin": "call_begin",
        "NullCreate.agentplugin": "create",
        "NullInstance.agentplugin": "instance",
        "OtherDraft.agentplugin": "rebuild against these headers",
        "ToolsWithoutTable.agentplugin": "it declares tools but offers no ap.tools/1 table",
        "Truncated.agentplugin": "truncated",
        "VersionMismatch.agentplugin": "version",
        "WrongArchitecture.agentplugin": "RISC-V",
        "WrongStructSize.agentplugin": "size",
        "WrongTableSize.agentplugin": "size",
    ]

    @Test(arguments: PluginMode.allCases)
    func eachIsRefusedWithItsReasonAndTheServerGoesOn(_ mode: PluginMode) async throws {
        let built = try Fixtures.built()
        let bad = try FileManager.default.contentsOfDirectory(atPath: "\(built.plugins)/bad").sorted()
        #expect(Set(bad) == Set(BadPluginTests.reasons.keys), "a fixture has no expectation here, or the reverse")
        let host = try await TestHost(
            [TestHost.echo] + bad.map { "bad/\($0)" }, mode,
            timeouts: PluginTimeouts(create: 700, grace: 300, drain: 300, destroy: 700), good: TestHost.echo)
        for file in bad {
            let sentence = try #require(host.refusal(file), "\(file) was loaded")
            #expect(sentence.hasPrefix("\(file): "))
            #expect(sentence.contains(BadPluginTests.reasons[file] ?? "?"), "\(sentence)")
        }
        #expect(host.refusal(TestHost.echo) == nil)
        #expect(host.registry.agents.map(\.descriptor.id) == ["echo-c"] && host.registry.tools.isEmpty)
        #expect(try await host.say("all is well") == "all is well")
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func singleFilesLoadLikeBundles(_ mode: PluginMode) async throws {
        let host = try await TestHost(["single/EchoC.so", "single/ToolsC.so"], mode)
        #expect(host.reports.map(\.file) == ["EchoC.so", "ToolsC.so"])
        #expect(host.reports.map(\.state) == [.loaded, .loaded])
        #expect(try await host.say("hello") == "hello")
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func whatThisHostDoesNotOfferCannotBeRequired(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.tools], mode, requiring: "ap.host.time-travel/1")
        #expect(
            host.refusal(TestHost.tools)
                == "ToolsC.agentplugin: it requires ap.host.time-travel/1, which this host does not offer")
        await host.host.shutdown()
    }

    @Test func aConfigurationThatIsNoObjectIsARefusal() async throws {
        let host = try await TestHost([TestHost.echo], .worker, config: [TestHost.echoID: "[1]"])
        #expect(host.refusal(TestHost.echo)?.contains("must be a JSON object") == true)
        await host.host.shutdown()
    }
}
