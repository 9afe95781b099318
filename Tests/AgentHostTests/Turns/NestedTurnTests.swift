import Synchronization
import Testing

@testable import AgentHost

/// Agents that ask other agents as if they were tools.
struct NestedTurnTests {
    @Test func whatTheOtherAgentSaysIsTheResult() async throws {
        let bench = Bench()
        let a = ScriptedModel([ScriptedModel.call(("ask_b", #"{"message":"2+2?"}"#)), ScriptedModel.say("It is 4.")])
        let b = ScriptedModel([ScriptedModel.call(("add", "{}")), ScriptedModel.say("4")])
        let callers = Mutex<[ToolCaller]>([])
        let add = ScriptedTool { request, _ in
            callers.withLock { $0.append(request.caller) }
            return .success(4)
        }
        bench.other("a", a, agents: ["b"])
        bench.other("b", b, tools: [("add", add)])
        let reader = try await bench.create("a")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.text == "It is 4.")
        #expect(
            events.names.filter { $0.hasPrefix("task") } == [
                "task 0 loading Ask Agent b|message: 2+2?", "task 0 loading Ask Agent b|Tool add",
                "task 0 complete Ask Agent b|message: 2+2? → 4",
            ])
        // The other agent knows only what it was told.
        #expect(b.requests[0].messages.map { $0["role"] } == ["system", "user"])
        #expect(b.requests[0].messages[1]["content"] == "2+2?")
        #expect(a.requests[1].messages.last?["content"] == "4")
        #expect(bench.store.types(reader.threadID) == ["user_message", "workflow", "assistant_message"])
        // It acts for the same person, and what it costs is its own.
        let caller = try #require(callers.withLock { $0.first })
        #expect(caller.owner == ada && caller.agentID == "b" && caller.depth == 1 && caller.threadID == reader.threadID)
        #expect(await eventually { bench.engine.usage.snapshot.agents.mapValues(\.completions) == ["a": 2, "b": 2] })
    }

    @Test func aCodedAgentCanBeAsked() async throws {
        let bench = Bench()
        let agent = bench.code { request, output in
            output.text(item: 1, "I was asked: \(request.input.first?["content"]?.array?.first?["text"]?.string ?? "")")
            output.finish(.success(()))
        }
        let a = ScriptedModel([ScriptedModel.call(("ask_code", #"{"message":"hi"}"#)), ScriptedModel.say("Done.")])
        bench.other("a", a, agents: ["code"])
        _ = await all(try await bench.create("a"))
        #expect(a.requests[1].messages.last?["content"] == "I was asked: hi")
        #expect(agent.seen.withLock { $0.first?.kind } == .userMessage)
    }

    @Test func itsFailureIsAResult() async throws {
        let bench = Bench()
        let a = ScriptedModel([
            ScriptedModel.call(("ask_b", #"{"message":"x"}"#), ("ask_c", #"{"message":"x"}"#), ("ask_b", "{}")),
            ScriptedModel.say("Neither."),
        ])
        bench.other("a", a, agents: ["b", "c"])
        bench.other("b", ScriptedModel([{ _, _ in .failure(.crashed) }]))
        bench.other("c", ScriptedModel([ScriptedModel.call(("nope", "{}"))]))
        let events = await all(try await bench.create("a"))
        events.checkConformance()
        #expect(events.text == "Neither.")
        let results = a.requests[1].messages.suffix(3).compactMap { $0["content"]?.string }
        #expect(results[0] == "Error: The agent failed: The model crashed; try again.")
        #expect(results[1].hasPrefix("Error: The agent failed: The model did not manage to call its tools"))
        #expect(results[2].contains("message"))
    }

    /// Agents that ask each other for ever: depth and number are bounded.
    @Test func recursionIsBounded() async throws {
        let bench = Bench()
        let depths = Mutex<[Int]>([])
        let asks = { (other: String) -> ScriptedModel.Step in
            { request, delta in
                let names = request.tools.compactMap { $0["function"]?["name"]?.string }
                depths.withLock { $0.append(names.count) }
                guard names.contains("ask_\(other)") else {
                    delta(.text("deep"))
                    return .success(ModelEnd(finishReason: "stop"))
                }
                for index in 0..<3 {
                    delta(.toolCall(index: index, id: nil, name: "ask_\(other)", arguments: #"{"message":"you"}"#))
                }
                return .success(ModelEnd(finishReason: "tool_calls"))
            }
        }
        bench.other("a", ScriptedModel([asks("b")]), agents: ["b"], maxSteps: 2)
        bench.other("b", ScriptedModel([asks("a")]), agents: ["a"], maxSteps: 2)
        let events = await all(try await bench.create("a"))
        events.checkConformance()
        #expect(events.names.last == "error step_limit")
        // 16 nested turns of at most two steps, and two of the first.
        #expect(depths.withLock { $0.count } <= 2 + 16 * 2)
        #expect(depths.withLock { $0.contains(0) }, "the deepest cannot ask any more")
    }

    @Test func itCannotAskThePersonNorUseTheirBrowser() async throws {
        let bench = Bench()
        let a = ScriptedModel([ScriptedModel.call(("ask_bot", #"{"message":"x"}"#)), ScriptedModel.say("Done.")])
        let b = ScriptedModel([ScriptedModel.call(("erase", "{}")), ScriptedModel.say("I could not.")])
        bench.other("a", a, agents: ["bot"])
        bench.bot(
            b, tools: [("erase", ScriptedTool { _, _ in .success("erased") })], clientTools: ["locate"],
            asking: ["erase"])
        let events = await all(try await bench.create("a"))
        #expect(events.text == "Done.")
        #expect(b.requests[0].tools.compactMap { $0["function"]?["name"] } == ["erase"])
        #expect(b.requests[1].messages.last?["content"]?.string?.hasPrefix("Error: approval_required") == true)
    }

    @Test func stoppingTheTurnStopsIt() async throws {
        let bench = Bench()
        let b = ScriptedModel([{ _, _ in nil }])
        bench.other("a", ScriptedModel([ScriptedModel.call(("ask_b", #"{"message":"x"}"#))]), agents: ["b"])
        bench.other("b", b)
        let reader = try await bench.create("a")
        _ = await events(reader, until: "task 0")
        #expect(await eventually { b.requests.count == 1 })
        reader.leave()
        #expect(await eventually { b.isCancelled })
    }
}
