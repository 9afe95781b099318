import Synchronization
import Testing

@testable import AgentHost

/// Agents that hand a conversation over to another.
struct HandOverTests {
    private func names(_ request: ModelRequest) -> [String] {
        request.tools.compactMap { $0["function"]?["name"]?.string }
    }

    @Test func theOtherAgentGoesOnAndKeepsTheThread() async throws {
        let bench = Bench()
        let first = ScriptedModel([
            ScriptedModel.call(("look", "{}")), ScriptedModel.call(("transfer_to_b", #"{"reason":"tasks"}"#)),
        ])
        let second = ScriptedModel([ScriptedModel.say("B here."), ScriptedModel.say("Still B.")])
        bench.other("a", first, handoffs: ["b"], tools: [("look", ScriptedTool { _, _ in .success("seen") })])
        bench.other("b", second)
        let reader = try await bench.create("a")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.text == "B here.")
        #expect(events.names.contains("notice Agent b goes on from here."))
        #expect(names(first.requests[0]) == ["look", "transfer_to_b"])
        // It has its own instructions and tools, and knows what was said and done.
        let told = second.requests[0].messages
        #expect(told[0]["content"] == "I am b.")
        #expect(told.map { $0["role"] } == ["system", "user", "assistant", "tool", "assistant", "tool"])
        #expect(names(second.requests[0]).isEmpty)
        let thread = try await bench.store.thread(reader.threadID, owner: ada)
        #expect(thread?.agent == "b")
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("And now?"), origin: origin))
        #expect(first.requests.count == 2 && second.requests.count == 2)
    }

    @Test func aCodedAgentTakesOver() async throws {
        let bench = Bench()
        let agent = bench.code { request, output in
            output.text(item: 1, "Coded.")
            output.finish(.success(()))
        }
        bench.other("a", ScriptedModel([ScriptedModel.call(("transfer_to_code", "{}"))]), handoffs: ["code"])
        let reader = try await bench.create("a", "help")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.text == "Coded.")
        let request = try #require(agent.seen.withLock { $0.first })
        #expect(request.agentID == "code" && request.kind == .userMessage)
        #expect(request.input.first?["content"]?.array?.first?["text"] == "help")
        #expect(await eventually { bench.engine.usage.snapshot.all.completions == 1 })
    }

    @Test func agentsThatOnlyHandOverComeToAnEnd() async throws {
        let bench = Bench()
        let a = ScriptedModel([ScriptedModel.call(("transfer_to_b", "{}"))])
        let b = ScriptedModel([ScriptedModel.call(("transfer_to_a", "{}"))])
        bench.other("a", a, handoffs: ["b"])
        bench.other("b", b, handoffs: ["a"])
        let events = await all(try await bench.create("a"))
        events.checkConformance()
        #expect(events.names.last == "error step_limit")
        #expect(events.names.count { $0.hasPrefix("notice") } == HandOver.maximum)
        #expect(a.requests.count + b.requests.count == 16)
    }

    @Test func onlyWhatIsDeclaredAndLoadedCanTakeOver() async throws {
        let bench = Bench()
        let a = ScriptedModel([ScriptedModel.call(("transfer_to_b", "{}")), ScriptedModel.say("Alone.")])
        bench.other("a", a, handoffs: ["gone"])
        bench.other("b", ScriptedModel([ScriptedModel.say("B")]))
        #expect(await all(try await bench.create("a")).text == "Alone.")
        #expect(names(a.requests[0]).isEmpty)
    }

    @Test func theOtherCallsOfTheStepEndBefore() async throws {
        let bench = Bench()
        let a = ScriptedModel([ScriptedModel.call(("transfer_to_b", "{}"), ("look", "{}"), ("transfer_to_b", "{}"))])
        let b = ScriptedModel([ScriptedModel.say("B.")])
        bench.other("a", a, handoffs: ["b"], tools: [("look", ScriptedTool { _, _ in .success("seen") })])
        bench.other("b", b)
        let events = await all(try await bench.create("a"))
        events.checkConformance()
        let results = b.requests[0].messages.filter { $0["role"] == "tool" }.compactMap { $0["content"]?.string }
        #expect(results.count == 3 && results[1] == "seen" && results[2].contains("one agent only"))
    }

    @Test func aMessageThatWaitedIsAnsweredByTheNewAgent() async throws {
        let bench = Bench()
        let held = HeldModel()
        let b = ScriptedModel([ScriptedModel.say("B.")])
        bench.other("a", held, handoffs: ["b"])
        bench.other("b", b)
        let first = try await bench.create("a")
        let second = try await bench.engine.add(to: first.threadID, message: said("next"), origin: origin)
        held.call("transfer_to_b")
        #expect(await all(first).text == "B.")
        #expect(await all(second).text == "B.")
        #expect(held.count == 1 && b.requests.count == 2)
    }

    @Test func theOperatorMayForbidOrAskForIt() async throws {
        let rules = ToolPolicy(rules: [
            .init(tool: "handoff/b", decision: .ask), .init(tool: "agent/*", decision: .deny),
        ])
        let bench = Bench(policy: rules)
        let a = ScriptedModel([ScriptedModel.call(("transfer_to_b", "{}"))])
        let b = ScriptedModel([ScriptedModel.say("B.")])
        bench.other("a", a, agents: ["b"], handoffs: ["b"])
        bench.other("b", b)
        let reader = try await bench.create("a")
        let item = try #require(await all(reader).done.last)
        #expect(item.type == "structured_input" && names(a.requests[0]) == ["transfer_to_b"])
        guard case .structuredInput(let input) = item.content, let id = input.inputs.first?["id"]?.string else {
            return
        }
        let events = await all(
            try await bench.engine.addStructuredInput(
                .init(answers: [id: .init(values: ["Approve"])]), item: item.id, thread: reader.threadID, origin: origin
            )
        )
        events.checkConformance()
        #expect(events.text == "B.")
    }
}

/// A model that calls a function when it is told to.
final class HeldModel: ModelProvider {
    private struct State {
        var asked: [(@Sendable (ModelDelta) -> Void, @Sendable (Result<ModelEnd, ProviderFailure>) -> Void)] = []
        var count = 0
    }
    private let state = Mutex(State())
    var count: Int { state.withLock { $0.count } }

    func complete(
        _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) -> any Cancellable {
        state.withLock {
            $0.asked.append((delta, completion))
            $0.count += 1
        }
        return NotCancellable()
    }

    func call(_ name: String) {
        for (delta, completion) in state.withLock({ $0.asked }) {
            delta(.toolCall(index: 0, id: "h", name: name, arguments: "{}"))
            completion(.success(ModelEnd(finishReason: "tool_calls")))
        }
    }
}
