import Foundation
import Testing

@testable import AgentHost

/// Functions that do not return, in each phase of a plugin's life: the worker is ended, and the next one serves.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StuckWorkerTests {
    private static let rogue = "rogue/Rogue.agentplugin"
    private static let rogueID = "dev.agenthost.fixture.rogue"
    private static let short = PluginTimeouts(create: 10_000, grace: 300, drain: 300, destroy: 500, response: 300)

    private static func host(
        _ config: String = "{}", timeouts: PluginTimeouts = short
    ) async throws -> TestHost {
        try await TestHost(
            [rogue, TestHost.echo], .worker, config: [rogueID: config], timeouts: timeouts,
            recovery: PluginRecovery(quarantineCrashes: 0, longestPause: 0))
    }

    private static func turn(
        _ host: TestHost, _ text: String, agent: String = "rogue", deadline: Int64 = 30_000
    ) throws -> RunningTurn {
        let provider = try #require(host.registry.agent(agent)?.provider)
        let item: JSON = ["type": "user_message", "content": [["type": "input_text", "text": .string(text)]]]
        let request = AgentTurnRequest(
            agentID: agent, threadID: "thr_1", owner: OwnerKey("h:me"), kind: .userMessage, input: [JSONText(item)],
            context: [:], deadline: monotonicMilliseconds() + deadline)
        let recorder = TurnRecorder()
        let turn = provider.begin(request, output: recorder)
        recorder.readBy(turn)
        return RunningTurn(turn: turn, recorder: recorder)
    }

    private static func answers(_ host: TestHost) async throws -> Bool {
        let turn = try turn(host, "well")
        let failure = await turn.recorder.failure()
        return failure == nil && turn.recorder.text == "well"
    }

    @Test(arguments: ["loop", "deadlock", "kill stop"]) func inATurn(deed: String) async throws {
        let host = try await Self.host()
        let other = try host.turn("slow 100")
        #expect(await (try Self.turn(host, deed)).recorder.failure() == .crashed)
        #expect(try await Self.answers(host))
        let failure = await other.recorder.failure()
        #expect(failure == nil, "another plugin's turn goes on")
        await host.host.shutdown()
    }

    @Test(arguments: ["loop", "deadlock"]) func inACallOfATool(deed: String) async throws {
        let host = try await Self.host()
        let tool = try #require(host.registry.tools.first { $0.descriptor.name == "misdeed" })
        let outcome = Answer<ToolOutcome>()
        let request = ToolCallRequest(
            tool: tool.descriptor, arguments: ["deed": .string(deed)],
            caller: ToolCaller(owner: OwnerKey("h:me"), threadID: "thr_1", agentID: "rogue", locale: "en"),
            deadline: monotonicMilliseconds() + 30_000)
        _ = tool.provider.call(request, progress: { _ in }, completion: { outcome.set($0) })
        #expect(await outcome.value() == .broken(.crashed))
        #expect(try await Self.answers(host))
        await host.host.shutdown()
    }

    @Test(arguments: ["loop", "deadlock"]) func inAModel(deed: String) async throws {
        let host = try await Self.host()
        let model = try #require(host.registry.model(plugin: Self.rogueID, id: "rogue-model"))
        let end = Answer<ProviderFailure?>()
        let request = ModelRequest(
            model: "rogue-model", messages: [["role": "user", "content": .string(deed)]], tools: [],
            deadline: monotonicMilliseconds() + 30_000)
        _ = model.provider.complete(
            request, delta: { _ in },
            completion: { if case .failure(let failure) = $0 { end.set(failure) } else { end.set(nil) } })
        #expect(await end.value() == .crashed)
        #expect(try await Self.answers(host))
        await host.host.shutdown()
    }

    @Test(arguments: ["loop", "deadlock"]) func inACancel(deed: String) async throws {
        let host = try await Self.host(
            #"{"cancel":"\#(deed)"}"#, timeouts: PluginTimeouts(grace: 60_000, response: 300))
        let turn = try Self.turn(host, "still")
        await turn.recorder.hasBegun()
        turn.turn.cancel(.cancelled)
        #expect(await turn.recorder.failure() == .crashed)
        #expect(try await Self.answers(host))
        await host.host.shutdown()
    }

    @Test(arguments: ["loop", "deadlock"]) func inCreate(deed: String) async throws {
        let host = try await Self.host(
            #"{"create":"\#(deed)"}"#, timeouts: PluginTimeouts(create: 500, drain: 300, destroy: 500, response: 300))
        let refusal = try #require(host.refusal("Rogue.agentplugin"))
        #expect(refusal.contains("loading it did not end within 500 ms"), "\(refusal)")
        #expect(try await host.say("others load") == "others load")
        await host.host.shutdown()
        #expect(TestHost.workers(of: host).isEmpty)
    }

    @Test(arguments: ["drain", "destroy"], ["loop", "deadlock"])
    func atTheEnd(phase: String, deed: String) async throws {
        let host = try await Self.host(#"{"\#(phase)":"\#(deed)"}"#)
        #expect(try await Self.answers(host))
        await host.host.shutdown()
        #expect(TestHost.workers(of: host).isEmpty)
    }

    /// The pool has other threads: what ends a blocking function is the deadline of its turn, and then its worker goes.
    @Test(arguments: ["loop", "deadlock"]) func onTheBlockingPool(deed: String) async throws {
        let host = try await Self.host()
        let workers = TestHost.workers(of: host)
        func living() -> Int { workers.count { FileManager.default.fileExists(atPath: "/proc/\($0)") } }
        #expect(living() == 2)
        let start = monotonicMilliseconds()
        let turn = try Self.turn(host, deed, agent: "rogue-blocking", deadline: 6_000)
        // Longer than the watch takes to end a worker that does not answer.
        while monotonicMilliseconds() < start + 1_500 {
            #expect(try await Self.answers(host))
            try await Task.sleep(for: .milliseconds(100))
        }
        let count = living()
        #expect(count == 2 || monotonicMilliseconds() >= start + 6_000, "the pool has other threads")
        #expect(await turn.recorder.failure() == .deadline)
        for _ in 0..<1_000 where living() == 2 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(living() == 1, "its worker was ended, the other plugin's was not")
        var isBack = false
        for _ in 0..<50 where !isBack {
            isBack = try await Self.answers(host)
            if !isBack { try await Task.sleep(for: .milliseconds(20)) }
        }
        #expect(isBack)
        await host.host.shutdown()
    }
}
