import Synchronization
import Testing

@testable import AgentHost

struct ModelLoopTests {
    private static let add = ScriptedTool { request, _ in
        .success(["id": 1, "title": request.arguments["title"] ?? .null])
    }

    @Test func callIsShownAsATaskAndTextClosesTheWorkflow() async throws {
        let bench = Bench()
        let model = ScriptedModel([
            ScriptedModel.call(("add", #"{"title":"milk"}"#)), ScriptedModel.say("Added ", "milk."),
        ])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let reader = try await bench.create("bot", "Add milk")
        let events = await all(reader)
        events.checkConformance()
        #expect(
            events.names.dropFirst(3) == [
                "added workflow", "task 0 loading Tool add|title: milk",
                "task 0 complete Tool add|title: milk → id: 1, title: milk", "done workflow", "added assistant_message",
                "part", "delta Added ", "delta milk.", "part done Added milk.", "done assistant_message",
            ])
        guard case .workflow(let workflow) = events.done[1].content else {
            Issue.record("no workflow")
            return
        }
        #expect(workflow.kind == .custom && workflow.summary == .duration(0))
        let record = try JSON.parse(try #require(bench.store.allItems(reader.threadID)[1].hostJSON))
        #expect(
            record == [
                "calls": [
                    [
                        "id": "c0", "name": "add", "arguments": ["title": "milk"], "step": 1, "status": "completed",
                        "result": ["id": 1, "title": "milk"],
                    ]
                ]
            ])
    }

    @Test func modelReadsCallsAndResultsInOrderAndAgainNextTurn() async throws {
        let bench = Bench()
        let model = ScriptedModel([
            ScriptedModel.call(("add", #"{"title":"a"}"#), ("add", #"{"title":"b"}"#)), ScriptedModel.say("Both."),
            ScriptedModel.say("Yes."),
        ])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let reader = try await bench.create("bot", "Add a and b")
        _ = await all(reader)
        let second = model.requests[1].messages
        #expect(second.map { $0["role"]?.string } == ["system", "user", "assistant", "tool", "tool"])
        #expect(second[2]["tool_calls"]?.array?.map { $0["id"] } == ["c0", "c1"])
        #expect(second[3] == ["role": "tool", "tool_call_id": "c0", "content": #"{"id":1,"title":"a"}"#])
        #expect(second[4]["content"] == #"{"id":1,"title":"b"}"#)
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("Really?"), origin: origin))
        let third = model.requests[2].messages
        #expect(third.prefix(5) == second.prefix(5))
        #expect(third.dropFirst(5).map { $0["content"] } == ["Both.", "Really?"])
    }

    @Test(arguments: [
        ("nope", "{}", "Error: There is no tool named \"nope\". Your tools are: add."),
        ("add", "{", "Error: The arguments are not a valid JSON object. Correct them and call the tool again."),
        ("add", "[1]", "Error: The arguments are not a valid JSON object. Correct them and call the tool again."),
        (
            "add", #"{"a":1,"a":2}"#,
            "Error: The arguments are not a valid JSON object. Correct them and call the tool again."
        ),
    ])
    func badCallIsAResultTheModelReads(_ name: String, _ arguments: String, _ text: String) async throws {
        let bench = Bench()
        let model = ScriptedModel([ScriptedModel.call((name, arguments)), ScriptedModel.say("Sorry.")])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.text == "Sorry.")
        #expect(model.requests[1].messages.last?["content"] == .string(text))
    }

    @Test func failingToolsAreVisibleAndDoNotEndTheRun() async throws {
        let bench = Bench()
        let model = ScriptedModel([
            ScriptedModel.call(("says", "{}"), ("crashes", "{}")), ScriptedModel.say("Neither worked."),
        ])
        bench.bot(
            model,
            tools: [
                ("says", ScriptedTool { _, _ in .failure("Error: Task 99 does not exist.") }),
                ("crashes", ScriptedTool { _, _ in .broken(.crashed) }),
            ])
        let events = await all(try await bench.create("bot"))
        #expect(events.text == "Neither worked.")
        #expect(events.names.contains("task 0 complete Tool says|Error: Task 99 does not exist."))
        #expect(events.names.contains { $0.hasPrefix("task 1 complete Tool crashes|Error: The tool crashed") })
    }

    @Test func callsOfOneStepRunSideBySide() async throws {
        let bench = Bench()
        let model = ScriptedModel([ScriptedModel.call(("slow", "{}"), ("fast", "{}")), ScriptedModel.say("Done.")])
        let waiting = HeldTool()
        bench.bot(
            model,
            tools: [("slow", ScriptedTool { _, _ in nil }), ("fast", ScriptedTool { _, _ in .success("quick") })])
        // The slow one answers only after the fast one was called.
        let declared = try #require(bench.registry.tool("slow")).descriptor
        let fast = try #require(bench.registry.tool("fast"))
        let agent = try #require(bench.registry.agent("bot"))
        let rules = try #require(bench.registry.model(plugin: "p", id: "rules"))
        #expect(
            bench.registry.register(
                plugin: "p", agents: [agent],
                tools: [
                    .init(descriptor: declared, provider: waiting),
                    .init(
                        descriptor: fast.descriptor,
                        provider: ScriptedTool { _, _ in
                            waiting.answer(.success("late"))
                            return .success("quick")
                        }),
                ], models: [rules]) == nil)
        let events = await all(try await bench.create("bot"))
        #expect(events.text == "Done.")
        #expect(model.requests[1].messages.suffix(2).map { $0["content"] } == ["late", "quick"])
    }

    @Test func progressUpdatesTheTask() async throws {
        let bench = Bench()
        let model = ScriptedModel([ScriptedModel.call(("look", "{}")), ScriptedModel.say("Found.")])
        bench.bot(
            model,
            tools: [
                (
                    "look",
                    ScriptedTool { _, progress in
                        progress(["text": "half way"])
                        progress(7)
                        return .success(nil)
                    }
                )
            ])
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(
            events.names.filter { $0.hasPrefix("task") } == [
                "task 0 loading Tool look", "task 0 loading Tool look|half way", "task 0 complete Tool look|Done",
            ])
    }

    @Test func stepsAreBounded() async throws {
        let bench = Bench()
        let model = ScriptedModel([ScriptedModel.call(("add", "{}"))])
        bench.bot(model, tools: [("add", ModelLoopTests.add)], maxSteps: 3)
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(model.requests.count == 3)
        #expect(events.names.suffix(2) == ["done workflow", "error step_limit"])
    }

    @Test func toolCallsAreBounded() async throws {
        let bench = Bench()
        let counted = Mutex(0)
        let tool = ScriptedTool { _, _ in
            counted.withLock { $0 += 1 }
            return .success(1)
        }
        let many = (0..<20).map { _ in (name: "add", arguments: "{}") }
        let twenty: ScriptedModel.Step = { _, delta in
            for index in many.indices { delta(.toolCall(index: index, id: nil, name: "add", arguments: "{}")) }
            return .success(ModelEnd(finishReason: "tool_calls"))
        }
        let model = ScriptedModel([twenty, twenty, ScriptedModel.say("Enough.")])
        bench.bot(model, tools: [("add", tool)])
        let events = await all(try await bench.create("bot"))
        #expect(events.text == "Enough.")
        #expect(counted.withLock { $0 } == 32)
        #expect(model.requests[2].messages.last?["content"]?.string?.hasPrefix("Error: No more than 32") == true)
    }

    @Test func outputIsBounded() async throws {
        var limits = TurnConfiguration()
        limits.maximumOutputBytes = 100
        let bench = Bench(limits)
        let endless: ScriptedModel.Step = { _, delta in
            for _ in 0..<50 { delta(.text("blah ")) }
            return .success(ModelEnd(finishReason: "stop"))
        }
        bench.bot(ScriptedModel([endless]))
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.names.last == "error output_limit")
        #expect(events.text.utf8.count == 100)
    }

    @Test func failingModelKeepsTheTextThatWasShown() async throws {
        let bench = Bench()
        let breaks: ScriptedModel.Step = { _, delta in
            delta(.text("The answer is"))
            return .failure(.failed("secret upstream detail"))
        }
        bench.bot(ScriptedModel([breaks]))
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.names.suffix(2) == ["done assistant_message", "error stream.error"])
        guard case .error(_, let message, let allowRetry)? = events.last else { return }
        #expect(message == "The model failed; try again." && allowRetry)
        #expect(bench.store.types(reader.threadID) == ["user_message", "assistant_message"])
    }

    @Test func agentWithoutAModelSaysSo() async throws {
        let bench = Bench()
        let declared = DeclarativeAgent(instructions: "", tools: [])
        let agent = AgentDescriptor(id: "bare", title: "", plugin: "b", kind: .declarative(declared))
        #expect(bench.registry.register(plugin: "b", agents: [.init(descriptor: agent)], tools: [], models: []) == nil)
        let reader = try await bench.create("bare")
        #expect(await all(reader).names.suffix(1) == ["error no_model_configured"])
        #expect(await eventually { bench.store.openTurns.isEmpty })
    }

    @Test func silentModelStillGivesAnAnswer() async throws {
        let bench = Bench()
        bench.bot(ScriptedModel([ScriptedModel.say("  ", "\n")]))
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.text == "I have no answer to that; try to put it differently.")
    }

    @Test func textBeforeCallsIsAMessageOfItsOwn() async throws {
        let bench = Bench()
        let both: ScriptedModel.Step = { _, delta in
            delta(.text("\n"))
            delta(.text("Let me look."))
            delta(.toolCall(index: 0, id: "x", name: "add", arguments: ""))
            return .success(ModelEnd(finishReason: "tool_calls"))
        }
        let model = ScriptedModel([both, ScriptedModel.call(("add", "{}")), ScriptedModel.say("Done.")])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.done.map(\.type) == ["user_message", "assistant_message", "workflow", "assistant_message"])
        #expect(events.text == "\nLet me look.\nDone.")
        #expect(model.requests[1].messages[2]["content"] == "\nLet me look.")
    }

    @Test func deadlineOfATurnEndsItWithAnError() async throws {
        var limits = TurnConfiguration()
        limits.idleLimit = 30
        let bench = Bench(limits)
        let model = ScriptedModel([
            { _, delta in
                delta(.text("Hm"))
                return nil
            }
        ])
        bench.bot(model)
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.names.suffix(2) == ["done assistant_message", "error turn_timeout"])
        #expect(await eventually { model.isCancelled })
    }
}

/// A tool that answers when it is told to.
final class HeldTool: ToolProvider {
    private struct State {
        var completion: (@Sendable (ToolOutcome) -> Void)?
    }
    private let state = Mutex(State())
    func call(
        _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        state.withLock { $0.completion = completion }
        return NotCancellable()
    }
    func answer(_ outcome: ToolOutcome) { state.withLock { $0.completion }?(outcome) }
}
