import Synchronization
import Testing

@testable import AgentHost

/// Hooks of declarative agents (`docs/hooks.md`): what they may change, and what becomes of a turn when they fail.
struct HookTests {
    /// Answers as a closure says; nil: never.
    private final class Hooks: HookProvider, Cancellable {
        let answer: @Sendable (HookRequest) -> Result<JSON, ProviderFailure>?
        let seen = Mutex<[HookRequest]>([])
        let cancelled = Mutex<[CancelReason]>([])

        init(_ answer: @escaping @Sendable (HookRequest) -> Result<JSON, ProviderFailure>?) { self.answer = answer }

        func hook(
            _ request: HookRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
        ) -> any Cancellable {
            seen.withLock { $0.append(request) }
            if let result = answer(request) { completion(result) }
            return self
        }
        func cancel(_ reason: CancelReason) { cancelled.withLock { $0.append(reason) } }
        var points: [HookPoint] { seen.withLock { $0.map(\.point) } }
    }

    private static let add = ScriptedTool { request, _ in .success(["got": request.arguments["n"] ?? .null]) }

    private func bench(
        _ model: ScriptedModel, _ hooks: Hooks, points: Set<HookPoint> = Set(HookPoint.allCases),
        asking: Set<String> = []
    ) -> Bench {
        let bench = Bench()
        let declared = DeclarativeAgent(
            instructions: "Be kind.", offlineModel: "rules", tools: ["*"], hooks: points)
        let agent = AgentDescriptor(id: "bot", title: "Bot", plugin: "p", kind: .declarative(declared))
        let tool = ToolDescriptor(
            plugin: "p", name: "add", exposedName: "add", title: "Add", description: "",
            inputSchema: ["type": "object", "properties": ["n": ["type": "integer"]]],
            needsApproval: asking.contains("add"))
        #expect(
            bench.registry.register(
                plugin: "p", agents: [.init(descriptor: agent, hooks: hooks)],
                tools: [.init(descriptor: tool, provider: HookTests.add)],
                models: [.init(plugin: "p", id: "rules", provider: model)]) == nil)
        return bench
    }

    @Test func theyAreAskedAtTheirPointsInOrder() async throws {
        let hooks = Hooks { _ in .success(nil) }
        let model = ScriptedModel([ScriptedModel.call(("add", #"{"n":1}"#)), ScriptedModel.say("Done.")])
        let events = await all(try await bench(model, hooks).create("bot"))
        events.checkConformance()
        #expect(events.text == "Done.")
        #expect(
            hooks.points == [
                .instructions, .beforeModel, .afterModel, .beforeTool, .afterTool, .beforeModel, .afterModel,
            ])
        let seen = hooks.seen.withLock { $0 }
        #expect(seen.allSatisfy { $0.agentID == "bot" && $0.owner == ada && !$0.threadID.isEmpty })
        #expect(seen[0].json == ["instructions": "Be kind."])
        #expect(seen[1].json["step"] == 1 && seen[1].json["messages"]?.array?.count == 2)
        #expect(seen[2].json["tool_calls"]?.array?.first?["name"] == "add")
        #expect(seen[3].json == ["tool": "add", "arguments": ["n": 1]])
        #expect(seen[4].json == ["tool": "add", "arguments": ["n": 1], "result": ["got": 1]])
    }

    @Test func theyMayChangeWhatIsTheirs() async throws {
        let hooks = Hooks { request in
            switch request.point {
            case .instructions: .success(["instructions": "Be brief."])
            case .beforeModel:
                .success([
                    "messages": .array(
                        (request.json["messages"]?.array ?? []) + [["role": "user", "content": "And smile."]])
                ])
            case .beforeTool: .success(["arguments": ["n": 2]])
            case .afterTool: .success(["result": "two\u{E0041}"])
            case .afterModel: .success([:])
            }
        }
        let model = ScriptedModel([ScriptedModel.call(("add", #"{"n":1}"#)), ScriptedModel.say("Done.")])
        let events = await all(try await bench(model, hooks).create("bot"))
        #expect(events.text == "Done.")
        for request in model.requests {
            #expect(request.messages.first?["content"]?.string?.hasPrefix("Be brief.\n\n") == true)
            #expect(request.messages.last?["content"] == "And smile.")
        }
        #expect(model.requests[1].messages.dropLast().last?["content"] == "two")
        let after = hooks.seen.withLock { $0.last { $0.point == .afterTool } }
        #expect(after?.json["result"] == ["got": 2])
    }

    @Test func onlyPointsOfTheManifestAreAsked() async throws {
        let hooks = Hooks { _ in .success(nil) }
        let model = ScriptedModel([ScriptedModel.call(("add", "{}")), ScriptedModel.say("Done.")])
        _ = await all(try await bench(model, hooks, points: [.afterTool]).create("bot"))
        #expect(hooks.points == [.afterTool])
    }

    @Test(arguments: [HookPoint.instructions, .beforeModel, .afterModel]) func aTurnDoesNotGoOnWithoutThem(
        _ point: HookPoint
    ) async throws {
        let hooks = Hooks { $0.point == point ? .failure(.failed("secret")) : .success(nil) }
        let model = ScriptedModel([ScriptedModel.say("Said.")])
        let bench = bench(model, hooks)
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.names.last == "error hook_failed")
        guard case .error(_, let message, let allowRetry)? = events.last else { return }
        #expect(message == "A part of the agent failed; try again." && allowRetry)
        #expect(model.requests.count == (point == .afterModel ? 1 : 0))
        #expect(await eventually { bench.store.openTurns.isEmpty })
    }

    @Test func aCallThatCannotBeCheckedIsNotMade() async throws {
        let model = ScriptedModel([ScriptedModel.call(("add", "{}")), ScriptedModel.say("Done.")])
        let before = Hooks { $0.point == .beforeTool ? .failure(.crashed) : .success(nil) }
        #expect(await all(try await bench(model, before).create("bot")).text == "Done.")
        #expect(model.requests[1].messages.last?["content"]?.string?.contains("was not made") == true)
        #expect(!before.points.contains(.afterTool))

        let other = ScriptedModel([ScriptedModel.call(("add", "{}")), ScriptedModel.say("Done.")])
        let after = Hooks { $0.point == .afterTool ? .failure(.deadline) : .success(nil) }
        _ = await all(try await bench(other, after).create("bot"))
        #expect(other.requests[1].messages.last?["content"]?.string?.contains("is withheld") == true)
    }

    @Test func theyMayDenyACallAndStopAnAnswer() async throws {
        let model = ScriptedModel([ScriptedModel.call(("add", "{}")), ScriptedModel.say("Forbidden words.")])
        let hooks = Hooks { request in
            switch request.point {
            case .beforeTool: .success(["deny": "Not today."])
            case .afterModel where request.json["text"] == "Forbidden words.":
                .success(["stop": "That is not said here."])
            default: .success(nil)
            }
        }
        let events = await all(try await bench(model, hooks).create("bot"))
        events.checkConformance()
        #expect(model.requests[1].messages.last?["content"] == "Error: Not today.")
        #expect(events.names.last == "error hook_stopped")
        guard case .error(_, let message, let allowRetry)? = events.last else { return }
        #expect(message == "That is not said here." && !allowRetry)
    }

    @Test(
        arguments: [
            ["messages": "x"], ["messages": []], ["messages": [["content": "x"]]],
            ["messages": [["role": "tool", "tool_call_id": "a", "content": "x"]]],
            ["messages": [["role": "assistant", "tool_calls": [["id": "a"]]], ["role": "user", "content": "x"]]],
        ] as [JSON]) func messagesThatMakeNoSenseEndTheTurn(_ answer: JSON) async throws
    {
        let model = ScriptedModel([ScriptedModel.say("x")])
        let hooks = Hooks { $0.point == .beforeModel ? .success(answer) : .success(nil) }
        #expect(await all(try await bench(model, hooks).create("bot")).names.last == "error hook_failed")
        #expect(model.requests.isEmpty)
    }

    /// The person has agreed to these arguments.
    @Test func whatWasAgreedToIsNotChanged() async throws {
        let model = ScriptedModel([ScriptedModel.call(("add", #"{"n":1}"#)), ScriptedModel.say("Done.")])
        let hooks = Hooks { $0.point == .beforeTool ? .success(["arguments": ["n": 1_000]]) : .success(nil) }
        let bench = bench(model, hooks, asking: ["add"])
        let reader = try await bench.create("bot")
        let item = try #require(await all(reader).done.last)
        guard case .structuredInput(let input) = item.content, let id = input.inputs.first?["id"]?.string else {
            return
        }
        _ = await all(
            try await bench.engine.addStructuredInput(
                .init(answers: [id: .init(values: ["Approve"])]), item: item.id, thread: reader.threadID, origin: origin
            )
        )
        #expect(
            model.requests[1].messages.last?["content"]?.string?.contains("changed after the person agreed") == true)
    }

    @Test func stoppingTheTurnStopsTheHook() async throws {
        let hooks = Hooks { $0.point == .beforeModel ? nil : .success(nil) }
        let reader = try await bench(ScriptedModel([ScriptedModel.say("x")]), hooks).create("bot")
        _ = await events(reader, until: "options")
        #expect(await eventually { hooks.points.contains(.beforeModel) })
        reader.leave()
        #expect(await eventually { hooks.cancelled.withLock { $0 } == [.cancelled] })
    }
}
