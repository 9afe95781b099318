import Synchronization
import Testing

@testable import AgentHost

/// Tools that run in the browser: the call ends the turn, the result begins the next (`chatkit-protocol.md` 7).
struct ClientToolTests {
    private static let call: @Sendable (AgentTurnRequest, any AgentOutput) -> Void = { request, output in
        if request.kind == .clientToolOutput {
            output.text(item: 1, "got \(request.input.first?["output"]?.text ?? "nothing")")
            output.finish(.success(()))
        } else {
            output.text(item: 1, "Let me look.")
            output.emit(item: 2, "client_tool_call", ["name": "locate", "arguments": ["exact": true, "hint": nil]])
            output.text(item: 3, "too late")
        }
    }

    private func pending(_ bench: Bench, _ thread: String) -> [StoredItem] {
        bench.store.allItems(thread).filter { $0.type == "client_tool_call" }
    }

    @Test func theCallEndsTheTurnAndTheResultGoesOn() async throws {
        let bench = Bench()
        let agent = bench.code(ClientToolTests.call)
        let reader = try await bench.create("code")
        let events = await all(reader)
        events.checkConformance()
        #expect(
            events.names.suffix(3) == ["part done Let me look.", "done assistant_message", "done client_tool_call"])
        #expect(agent.cancelled.withLock { $0 } == [.cancelled])
        let shown = try #require(events.last?.item)
        guard case .clientToolCall(let call) = shown.content else {
            Issue.record("no call")
            return
        }
        #expect(call.status == .pending && call.name == "locate" && !call.callID.isEmpty)
        #expect(call.arguments == JSONObject(members: [("exact", true), ("hint", nil)]), "nulls inside survive")
        #expect(shown.id.hasPrefix("tc_"))

        let second = await all(
            try await bench.engine.addClientToolOutput(["lat": nil], thread: reader.threadID, origin: origin))
        second.checkConformance()
        #expect(second.names.first == "options", "the completed call is not sent again")
        #expect(second.text == #"got {"lat":null}"#)
        let request = agent.seen.withLock { $0[1] }
        #expect(request.kind == .clientToolOutput)
        #expect(request.input.first?["id"]?.string == shown.id && request.input.first?["status"] == "completed")
        let stored = bench.store.allItems(reader.threadID)
        #expect(stored.map(\.type) == ["user_message", "assistant_message", "client_tool_call", "assistant_message"])
        #expect(stored[2].id == shown.id && stored[2].createdAt == shown.createdAt)
    }

    @Test func aNullResultIsAResult() async throws {
        let bench = Bench()
        let agent = bench.code(ClientToolTests.call)
        let reader = try await bench.create("code")
        _ = await all(reader)
        _ = await all(try await bench.engine.addClientToolOutput(.null, thread: reader.threadID, origin: origin))
        let input = agent.seen.withLock { $0[1].input[0] }
        #expect(input["status"] == "completed" && input["output"] == nil)
    }

    /// Where the reference looks at the newest item alone.
    @Test func hiddenItemsAndEqualTimesBehindTheCallDoNotMatter() async throws {
        let bench = Bench()
        bench.code(ClientToolTests.call)
        let reader = try await bench.create("code")
        let events = await all(reader)
        let call = try #require(events.last?.item)
        let behind: [ChatKit.ItemContent] = [
            .hiddenContext("note"), .sdkHiddenContext("stopped"), .assistantMessage([.init(text: "later")]),
        ]
        try await bench.store.write(
            behind.enumerated().map { index, content in
                .insertItem(
                    StoredItem(
                        ChatKit.Item(
                            id: "x\(index)", threadID: reader.threadID, createdAt: call.createdAt, content: content)),
                    owner: ada)
            })
        let second = await all(
            try await bench.engine.addClientToolOutput("here", thread: reader.threadID, origin: origin))
        #expect(second.text == #"got "here""#)
    }

    @Test func theNewestCallIsMeantAndOthersThatWaitAreRemoved() async throws {
        let bench = Bench()
        bench.code(ClientToolTests.call)
        let reader = try await bench.create("code")
        _ = await all(reader)
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("again"), origin: origin))
        let calls = pending(bench, reader.threadID).map(\.id)
        #expect(calls.count == 2)
        _ = await all(try await bench.engine.addClientToolOutput(1, thread: reader.threadID, origin: origin))
        #expect(pending(bench, reader.threadID).map(\.id) == [calls[1]])
        await #expect(throws: TurnError.noPendingCall) {
            try await bench.engine.addClientToolOutput(1, thread: reader.threadID, origin: origin)
        }
    }

    @Test func ofTwoResultsAtOnceOneIsTaken() async throws {
        let bench = Bench()
        let agent = bench.code(ClientToolTests.call)
        let reader = try await bench.create("code")
        _ = await all(reader)
        let outcomes = await withTaskGroup(of: TurnError?.self) { group in
            for number in 0..<8 {
                group.addTask {
                    do throws(TurnError) {
                        _ = await all(
                            try await bench.engine.addClientToolOutput(
                                .int(Int64(number)), thread: reader.threadID, origin: origin))
                        return nil
                    } catch { return error }
                }
            }
            return await group.reduce(into: [TurnError?]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == nil } == 1)
        #expect(outcomes.allSatisfy { $0 == nil || $0?.kind == .notPending })
        #expect(agent.seen.withLock { $0.count } == 2)
    }

    @Test func withoutACallNothingHappens() async throws {
        let bench = Bench()
        let reader = try await bench.create("echo")
        _ = await all(reader)
        let before = bench.store.allItems(reader.threadID)
        await #expect(throws: TurnError.noPendingCall) {
            try await bench.engine.addClientToolOutput(1, thread: reader.threadID, origin: origin)
        }
        await #expect(throws: TurnError.threadNotFound) {
            try await bench.engine.addClientToolOutput(1, thread: "thr_none", origin: origin)
        }
        #expect(bench.store.allItems(reader.threadID) == before)
    }

    // MARK: Declarative agents

    private func bot(_ bench: Bench, _ steps: [ScriptedModel.Step]) -> ScriptedModel {
        let model = ScriptedModel(steps)
        bench.bot(model, tools: [("add", ScriptedTool { _, _ in .success(3) })], clientTools: ["locate", "scroll"])
        return model
    }

    @Test func aModelCallsTheBrowserAndReadsTheResult() async throws {
        let bench = Bench()
        let model = bot(
            bench, [ScriptedModel.call(("locate", #"{"exact":true}"#)), ScriptedModel.say("You are here.")])
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.names.suffix(2) == ["options", "done client_tool_call"])
        let second = await all(
            try await bench.engine.addClientToolOutput(["city": "Rome"], thread: reader.threadID, origin: origin))
        #expect(second.text == "You are here.")
        let messages = model.requests[1].messages
        #expect(messages.map { $0["role"] } == ["system", "user", "assistant", "tool"])
        #expect(messages[2]["tool_calls"]?.array?.first?["function"]?["arguments"] == #"{"exact":true}"#)
        #expect(messages[2]["tool_calls"]?.array?.first?["id"] == messages[3]["tool_call_id"])
        #expect(messages[3]["content"] == #"{"city":"Rome"}"#)
    }

    @Test func otherCallsOfTheStepAreMadeBefore() async throws {
        let bench = Bench()
        let model = bot(
            bench,
            [
                ScriptedModel.call(("locate", "{}"), ("add", "{}"), ("scroll", "{}")), ScriptedModel.say("Done."),
            ])
        let reader = try await bench.create("bot")
        let events = await all(reader)
        events.checkConformance()
        #expect(events.done.map(\.type) == ["user_message", "workflow", "client_tool_call"])
        _ = await all(try await bench.engine.addClientToolOutput("ok", thread: reader.threadID, origin: origin))
        let messages = model.requests[1].messages
        #expect(messages.map { $0["role"] } == ["system", "user", "assistant", "tool", "tool", "assistant", "tool"])
        // One at a time: the model is told so, and its calls keep their results.
        #expect(messages[4]["content"]?.string?.contains("Only one tool") == true)
        #expect(messages[6]["content"] == "ok")
    }

    @Test func wrongArgumentsGoBackToTheModel() async throws {
        let bench = Bench()
        let model = bot(bench, [ScriptedModel.call(("locate", "[1]")), ScriptedModel.say("Sorry.")])
        let events = await all(try await bench.create("bot"))
        #expect(events.text == "Sorry.")
        #expect(model.requests[1].messages.last?["content"]?.string?.contains("JSON object") == true)
    }

    @Test func whatAPageAnswersIsCutForTheModelAndHoldsNothingInvisible() async throws {
        let bench = Bench()
        let model = bot(bench, [ScriptedModel.call(("locate", "{}")), ScriptedModel.say("Long.")])
        let reader = try await bench.create("bot")
        _ = await all(reader)
        let output = JSON.string("\u{E0041}" + String(repeating: "x", count: 200_000))
        _ = await all(try await bench.engine.addClientToolOutput(output, thread: reader.threadID, origin: origin))
        let told = try #require(model.requests[1].messages.last?["content"]?.string)
        #expect(told.hasPrefix("xxx") && told.utf8.count < 66_000 && told.contains("200000 bytes"))
    }
}
