import Foundation
import Testing

@testable import AgentHost

/// What a plugin may rely on, the same in both modes and with the same files.
@Suite(.timeLimit(.minutes(2)))
struct ContractTests {
    @Test(arguments: PluginMode.allCases)
    func whatTheManifestsSayIsRegistered(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo, TestHost.tools], mode)
        #expect(host.reports.map(\.state) == [.loaded, .loaded])
        #expect(host.reports.map(\.mode) == [mode, mode])
        #expect(host.registry.agents.map(\.descriptor.id) == ["echo-c", "front-c", "hooked-c", "tools-c"])
        #expect(host.registry.tools.map(\.descriptor.name).contains("add"))
        #expect(host.registry.model(plugin: TestHost.toolsID, id: "rules-c") != nil)
        await host.host.shutdown()
        #expect(host.registry.agents.isEmpty && host.registry.tools.isEmpty)
    }

    // MARK: Turns

    @Test(arguments: PluginMode.allCases)
    func aTurnStreamsItsWords(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        let turn = try host.turn("good morning to you é😀")
        #expect(await turn.recorder.failure() == nil)
        #expect(turn.recorder.text == "good morning to you é😀")
        #expect(turn.recorder.deltas == 5 && turn.recorder.itemsDone == [0])
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func aTurnCanBeStopped(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        let turn = try host.turn("slow 1000")
        await turn.recorder.hasBegun()
        turn.turn.cancel(.cancelled)
        turn.turn.cancel(.deadline)
        #expect(await turn.recorder.failure() == .cancelled)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func aTurnThatHangsEndsAfterDeadlineAndGrace(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        let start = monotonicMilliseconds()
        let turn = try host.turn("hang", deadline: 100)
        #expect(await turn.recorder.failure() == .deadline)
        #expect(monotonicMilliseconds() - start >= 400)
        #expect(try await host.say("still there") == "still there")
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func failuresKeepTheirWords(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        #expect(await (try host.turn("fail")).recorder.failure() == .failed("told to fail"))
        #expect(await (try host.turn("refuse")).recorder.failure() != nil)
        #expect(await (try host.turn("both")).recorder.failure() == nil)
        #expect(try await host.say("twice") == "once")
        #expect(try await host.say("garbage").contains("\u{FFFD}"))
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func aFastTurnIsHeldToItsReader(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        #expect(try await host.say("big").utf8.count == 1 << 20)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func structureIsEmittedInOrder(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        let turn = try host.turn("wf")
        #expect(await turn.recorder.failure() == nil)
        #expect(turn.recorder.emitted.map { String($0.prefix { $0 != " " }) } == ["workflow", "task", "workflow_end"])
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func manyTurnsRunAtOnce(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        let turns = try (0..<500).map { try host.turn("slow \(1 + $0 % 5)") }
        for (index, turn) in turns.enumerated() {
            #expect(await turn.recorder.failure() == nil)
            #expect(turn.recorder.deltas == 1 + index % 5)
        }
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func shutdownEndsWhatIsOpen(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode)
        let turn = try host.turn("hang")
        await host.host.shutdown()
        #expect(await turn.recorder.failure() == .unavailable)
    }

    @Test(arguments: PluginMode.allCases)
    func theConfigurationReachesThePlugin(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo], mode, config: [TestHost.echoID: #"{"a":{"b":[1,"two"]}}"#])
        #expect(try await host.say("config /a/b/1") == #""two""#)
        await host.host.shutdown()
    }

    // MARK: Tools and models

    @Test(arguments: PluginMode.allCases)
    func toolsAnswer(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.tools], mode)
        #expect(await (try host.call("add", ["a": 2, "b": 40])).outcome.value() == .success(["sum": 42]))
        #expect(await (try host.call("block_add", ["a": 1, "b": 1])).outcome.value() == .success(["sum": 2]))
        #expect(await (try host.call("fail_tool")).outcome.value() == .failure("This tool always fails."))
        let slow = try host.call("slow_add", ["a": 1, "b": 2, "steps": 3])
        #expect(await slow.outcome.value() == .success(["sum": 3]))
        #expect(slow.progress.all.first == ["text": "3 steps to go"] && slow.progress.all.count == 3)
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func callsEndWhenNobodyWaits(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.tools], mode)
        let slow = try host.call("slow_add", ["a": 1, "b": 2, "steps": 1000])
        slow.handle.cancel(.cancelled)
        #expect(await slow.outcome.value() == .broken(.cancelled))
        #expect(await (try host.call("never", deadline: 50)).outcome.value() == .broken(.deadline))
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func aModelAnswersInPieces(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.tools], mode)
        let (_, end) = try await host.complete("hello there")
        #expect(try end.get().finishReason == "stop")
        let (_, calls) = try await host.complete(#"call add {"a":1}"#)
        #expect(try calls.get().finishReason == "tool_calls")
        await host.host.shutdown()
    }

    // MARK: Services

    @Test(arguments: PluginMode.allCases)
    func keysAndValuesBelongToTheirUser(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo, TestHost.tools], mode)
        #expect(try await host.say("kv").contains(#""value":"hello""#))
        #expect(host.store.texts(plugin: TestHost.echoID) == [#""hello""#])
        let calls = try (0..<20).map { try host.call("counter", owner: "h:\($0 % 2)") }
        var counts: [JSON] = []
        for call in calls {
            guard case .success(let json) = await call.outcome.value() else {
                Issue.record("the counter failed")
                continue
            }
            counts.append(json["count"] ?? .null)
        }
        // Two users counted to ten each, however the writes met.
        #expect(counts.compactMap(\.int).sorted() == (1...10).flatMap { [$0, $0] }.map(Int64.init))
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func aPluginCallsToolsOfAnother(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo, TestHost.tools], mode)
        #expect(try await host.say(#"tool add {"a":1,"b":2}"#) == #"{"sum":3}"#)
        #expect(try await host.say("tool nothing {}").hasPrefix("error -11"))
        #expect(try await host.say("tool fail_tool {}") == "error -1: This tool always fails.")
        await host.host.shutdown()
    }

    @Test(arguments: PluginMode.allCases)
    func aPluginAsksTheDefaultModel(_ mode: PluginMode) async throws {
        let host = try await TestHost([TestHost.echo, TestHost.tools], mode)
        #expect(try await host.say("model hello") == "error -9: no model is configured")
        let rules = try #require(host.registry.model(plugin: TestHost.toolsID, id: "rules-c"))
        let shared = Registry.Model(plugin: "host", id: "default", provider: Renamed(provider: rules.provider))
        #expect(host.registry.register(plugin: "host", agents: [], tools: [], models: [shared]) == nil)
        #expect(try await host.say("model hello") == "You said: hello")
        await host.host.shutdown()
    }

    /// A model of a plugin under another id.
    private struct Renamed: ModelProvider {
        let provider: any ModelProvider
        func complete(
            _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
            completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
        ) -> any Cancellable {
            var request = request
            request.model = "rules-c"
            return provider.complete(request, delta: delta, completion: completion)
        }
    }
}
