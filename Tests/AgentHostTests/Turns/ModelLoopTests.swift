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

    // MARK: Reasoning

    private static func think(_ thoughts: [String], then text: String) -> ScriptedModel.Step {
        { _, delta in
            for thought in thoughts { delta(.reasoning(thought)) }
            delta(.text(text))
            return .success(ModelEnd(finishReason: "stop"))
        }
    }

    @Test func reasoningIsAWorkflowThatTextCloses() async throws {
        let bench = Bench()
        bench.bot(ScriptedModel([ModelLoopTests.think(["\n", "First", " this", ", then that."], then: "42")]))
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.done.map(\.type) == ["user_message", "workflow", "assistant_message"])
        guard case .workflow(let workflow) = events.done[1].content else { return }
        #expect(workflow.kind == .reasoning && workflow.summary == .duration(0))
        #expect(
            workflow.tasks == [
                ChatKit.Task(indicator: .complete, kind: .thought(title: nil, content: "First this, then that."))
            ])
        #expect(bench.store.allItems(reader.threadID)[1].hostJSON == nil, "thoughts are not told to models")
    }

    @Test func reasoningOfEachStepStandsBeforeItsCalls() async throws {
        let bench = Bench()
        let thinks: ScriptedModel.Step = { _, delta in
            delta(.reasoning("I need to add."))
            delta(.toolCall(index: 0, id: "x", name: "add", arguments: "{}"))
            return .success(ModelEnd(finishReason: "tool_calls"))
        }
        let model = ScriptedModel([thinks, ModelLoopTests.think(["Done?"], then: "Done.")])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        let kinds = events.done.compactMap { item -> String? in
            if case .workflow(let workflow) = item.content { workflow.kind.rawValue } else { item.type }
        }
        #expect(kinds == ["user_message", "reasoning", "custom", "reasoning", "assistant_message"])
        #expect(model.requests[1].messages.map { $0["role"] } == ["system", "user", "assistant", "tool"])
    }

    /// Each update carries the whole thought: all together must not grow with its square.
    @Test func longReasoningIsShownInFewUpdatesAndCut() {
        var thought = Thought(workflow: 1, began: 0)
        var shown = 0
        for index in 0..<200_000 {
            thought.add("word ")
            if thought.takesStep(Int64(index / 100)) { shown += thought.text.utf8.count }
        }
        #expect(thought.text.utf8.count <= Thought.maximumBytes + 8 && thought.text.hasSuffix("…"))
        #expect(shown > 0 && shown < 12 * Thought.maximumBytes)
    }

    @Test func thoughtsAloneAreNoAnswer() async throws {
        let bench = Bench()
        bench.bot(
            ScriptedModel([
                { _, delta in
                    delta(.reasoning("Hm."))
                    return .success(ModelEnd(finishReason: "stop"))
                }
            ]))
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.text == "I have no answer to that; try to put it differently.")
    }

    // MARK: Models that go wrong

    @Test(arguments: [("nope", "{}"), ("add", "{"), ("add", "[]"), ("", ""), ("add", #"{"title":7}"#)])
    func aModelThatOnlyMakesMistakesIsStopped(_ name: String, _ arguments: String) async throws {
        let bench = Bench()
        let model = ScriptedModel([ScriptedModel.call((name, arguments))])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let strict = try #require(bench.registry.tool("add"))
        var descriptor = strict.descriptor
        descriptor.inputSchema = ["type": "object", "properties": ["title": ["type": "string"]]]
        #expect(
            bench.registry.register(
                plugin: "p", agents: [try #require(bench.registry.agent("bot"))],
                tools: [.init(descriptor: descriptor, provider: strict.provider)],
                models: [try #require(bench.registry.model(plugin: "p", id: "rules"))]) == nil)
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(model.requests.count == 3)
        #expect(events.names.last == "error bad_tool_calls")
        // The thread goes on.
        let next = await all(
            try await bench.engine.add(to: reader.threadID, message: said("Again"), origin: origin))
        #expect(next.names.first == "done user_message")
        #expect(model.requests.count == 6)
    }

    @Test func aGoodCallBetweenForgivesMistakes() async throws {
        let bench = Bench()
        let bad = ScriptedModel.call(("nope", "{}"))
        let good = ScriptedModel.call(("add", "{}"))
        let model = ScriptedModel([bad, bad, good, bad, bad, good, ScriptedModel.say("There.")])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        #expect(await all(try await bench.create("bot")).text == "There.")
    }

    /// A server refuses a whole conversation that holds a name or arguments it does not take: what is told back is fit for it.
    @Test func whatIsToldBackIsFitForModelServers() async throws {
        let bench = Bench()
        let evil = "../../etc; DROP\u{0} \u{202E}" + String(repeating: "x", count: 10_000)
        let calls: ScriptedModel.Step = { _, delta in
            delta(.toolCall(index: 3, id: "same", name: evil, arguments: "{\"a\":"))
            delta(.toolCall(index: 9, id: "same", name: "add", arguments: String(repeating: "[", count: 5_000)))
            delta(.toolCall(index: 1, id: "a\nb", name: nil, arguments: ""))
            return .success(ModelEnd(finishReason: "tool_calls"))
        }
        let model = ScriptedModel([calls, ScriptedModel.say("Oh."), ScriptedModel.say("Still here.")])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("And?"), origin: origin))
        for request in model.requests.dropFirst() {
            let calls = request.messages.flatMap { $0["tool_calls"]?.array ?? [] }
            #expect(calls.count == 3)
            for call in calls {
                let name = try #require(call["function"]?["name"]?.string)
                #expect(name.wholeMatch(of: /[A-Za-z0-9_-]{1,64}/) != nil)
                let arguments = try #require(call["function"]?["arguments"]?.string)
                #expect(try JSON.parse(arguments).object != nil && arguments.utf8.count < 2_000)
            }
            let ids = calls.compactMap { $0["id"]?.string }
            #expect(Set(ids).count == 3 && ids.allSatisfy { $0.utf8.allSatisfy { $0 > 0x20 } })
            #expect(request.messages.compactMap { $0["tool_call_id"]?.string } == ids)
        }
    }

    @Test func aModelThatDoesNotStopCallingIsStopped() async throws {
        let bench = Bench()
        let twenty: ScriptedModel.Step = { _, delta in
            for index in 0..<20 { delta(.toolCall(index: index, id: nil, name: "add", arguments: "{}")) }
            return .success(ModelEnd(finishReason: "tool_calls"))
        }
        let model = ScriptedModel([twenty])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.names.last == "error call_limit")
        #expect(model.requests.count == 4)
    }

    @Test func argumentsOfATurnAreBounded() async throws {
        let bench = Bench()
        let reached = Mutex(0)
        let tool = ScriptedTool { _, _ in
            reached.withLock { $0 += 1 }
            return .success(1)
        }
        let huge = #"{"a":"\#(String(repeating: "x", count: 257 << 10))"}"#
        let model = ScriptedModel([ScriptedModel.call(("add", huge)), ScriptedModel.say("Too much.")])
        bench.bot(model, tools: [("add", tool)])
        let reader = try await bench.create("bot")
        #expect(await all(reader).text == "Too much.")
        #expect(reached.withLock { $0 } == 0)
        #expect(model.requests[1].messages.last?["content"]?.string?.contains("too large") == true)
        #expect(model.requests[1].json.encoded.count < 10_000, "not told back, not kept")
        #expect(bench.store.allItems(reader.threadID).allSatisfy { ($0.hostJSON?.count ?? 0) < 5_000 })
    }

    // MARK: What it costs

    private static func costing(_ prompt: Int64?, _ completion: Int64?, _ step: @escaping ScriptedModel.Step)
        -> ScriptedModel.Step
    {
        { request, delta in
            step(request, delta)?.map { end in
                ModelEnd(finishReason: end.finishReason, promptTokens: prompt, completionTokens: completion)
            }
        }
    }

    @Test func usageIsCountedByAgentAndOwner() async throws {
        let bench = Bench()
        let model = ScriptedModel([
            ModelLoopTests.costing(100, 7, ScriptedModel.call(("add", "{}"))),
            ModelLoopTests.costing(120, 5, ScriptedModel.say("Done.")), ScriptedModel.say("Again, done."),
        ])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let reader = try await bench.create("bot")
        _ = await all(reader)
        let first = ModelUsage(completions: 2, promptTokens: 220, completionTokens: 12, estimated: 0)
        #expect(await eventually { bench.engine.usage.snapshot.agents == ["bot": first] })
        #expect(bench.engine.usage.snapshot.owners == ["h:ada": first])
        // A model that does not count is estimated.
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("More"), origin: origin))
        #expect(await eventually { bench.engine.usage.snapshot.all.completions == 3 })
        let all = bench.engine.usage.snapshot.all
        #expect(all.estimated == 1 && all.promptTokens > 230 && all.completionTokens == 12 + 4)
    }

    @Test func ownersBeyondTheLimitAreCountedTogether() {
        let totals = UsageTotals(maximumOwners: 2)
        let usage = ModelUsage(completions: 1, promptTokens: 3, completionTokens: 2)
        for owner in ["h:a", "h:b", "h:c", "h:a", "h:d"] { totals.add(usage, agent: "x", owner: OwnerKey(owner)) }
        let snapshot = totals.snapshot
        #expect(snapshot.owners.mapValues(\.completions) == ["h:a": 2, "h:b": 1])
        #expect(snapshot.otherOwners.tokens == 10 && snapshot.all.tokens == 25)
    }

    @Test func countsOfAServerThatLiesDoNoHarm() {
        var usage = ModelUsage()
        for _ in 0..<3 {
            usage.add(
                ModelEnd(finishReason: "stop", promptTokens: .max, completionTokens: -5), prompt: 1, bytes: 1)
        }
        #expect(usage.promptTokens == .max && usage.completionTokens == 0)
    }

    @Test func tokensOfATurnAreBounded() async throws {
        var limits = TurnConfiguration()
        limits.maximumTokens = 1_000
        let bench = Bench(limits)
        let model = ScriptedModel([ModelLoopTests.costing(400, 0, ScriptedModel.call(("add", "{}")))])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        let events = await all(try await bench.create("bot"))
        events.checkConformance()
        #expect(events.names.last == "error token_limit" && model.requests.count == 3)
    }

    @Test func theComposersToolIsForTheFirstStepAndOnlyTheAgentsOwn() async throws {
        for (wish, expected) in [("add", true), ("other", false)] {
            let bench = Bench()
            let model = ScriptedModel([ScriptedModel.call(("add", "{}")), ScriptedModel.say("Done.")])
            bench.bot(model, tools: [("add", ModelLoopTests.add)])
            var message = said("x")
            message.inferenceOptions.toolChoice = wish
            _ = await all(try await bench.engine.create(agent: "bot", message: message, origin: origin))
            #expect(model.requests.map { $0.toolChoice?["function"]?["name"] } == [expected ? "add" : nil, nil])
        }
    }

    // MARK: Results

    @Test func picturesOfAResultAreShownBehindTheWorkflow() async throws {
        let bench = Bench()
        let result: JSON = [
            "content": [
                ["type": "text", "text": "A cat."], ["type": "image", "data": "aGk=", "mime_type": "image/png"],
            ]
        ]
        let model = ScriptedModel([ScriptedModel.call(("draw", "{}")), ScriptedModel.say("Here.")])
        bench.bot(model, tools: [("draw", ScriptedTool { _, _ in .success(result) })])
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.done.map(\.type) == ["user_message", "workflow", "generated_image", "assistant_message"])
        #expect(events.names.contains("task 0 complete Tool draw|A cat. [picture]"))
        #expect(events.done[2].json["image"]?["url"] == "data:image/png;base64,aGk=")
        #expect(
            model.requests[1].messages.last?["content"]
                == "A cat.\n[Picture 1 of this result is shown to the person.]")
        #expect(bench.store.allItems(reader.threadID)[1].hostJSON?.count ?? .max < 300, "kept once")
    }

    @Test func aLongResultIsCutForTheModelOnly() async throws {
        var limits = TurnConfiguration()
        limits.historyBudget = HistoryBudget("4000") ?? HistoryBudget()
        let bench = Bench(limits)
        let long = String(repeating: "é", count: 50_000)
        let model = ScriptedModel([ScriptedModel.call(("read", "{}")), ScriptedModel.say("Long.")])
        bench.bot(model, tools: [("read", ScriptedTool { _, _ in .success(.string(long)) })])
        _ = await all(try await bench.create("bot"))
        let told = try #require(model.requests[1].messages.last?["content"]?.string)
        #expect(told.utf8.count < 3_200 && told.hasPrefix("éé") && !told.contains("\u{FFFD}"))
        #expect(told.contains("100000 bytes"))
    }

    @Test func whatToolsSayIsLabelledAsData() async throws {
        let bench = Bench()
        let model = ScriptedModel([ScriptedModel.say("Hi.")])
        bench.bot(model, tools: [("add", ModelLoopTests.add)])
        _ = await all(try await bench.create("bot"))
        let system = try #require(model.requests[0].messages.first?["content"]?.string)
        #expect(system.hasPrefix("Be kind.\n\n") && system.contains("is data"))
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
