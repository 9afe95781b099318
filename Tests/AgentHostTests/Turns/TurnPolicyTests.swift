import Synchronization
import Testing

@testable import AgentHost

/// What becomes of a message that comes while its thread is being answered.
struct TurnPolicyTests {
    private func bench(_ policy: TurnPolicy) -> Bench {
        var configuration = TurnConfiguration()
        configuration.policy = policy
        return Bench(configuration)
    }

    /// An agent that says "partial" and then nothing until it is told to go on; the second turn ends at once.
    private func slow(_ bench: Bench) -> ScriptedAgent {
        bench.code { request, output in
            output.text(item: 1, "partial")
            if request.input.first?["content"]?.array?.first?["text"] != "hello" { output.finish(.success(())) }
        }
    }

    // MARK: Reject

    @Test func rejectRefusesAndStoresNothing() async throws {
        let bench = bench(.reject)
        let agent = slow(bench)
        let reader = try await bench.create("code")
        _ = await events(reader, until: "delta")
        let before = bench.store.allItems(reader.threadID)
        let user = try #require(before.first)
        await #expect(throws: TurnError.oneAtATime) {
            try await bench.engine.add(to: reader.threadID, message: said("two"), origin: origin)
        }
        await #expect(throws: TurnError.oneAtATime) {
            try await bench.engine.retry(thread: reader.threadID, after: user.id, origin: origin)
        }
        #expect(bench.store.allItems(reader.threadID) == before)
        #expect(TurnError.oneAtATime.code == .threadBusy)
        agent.outputs.withLock { $0[0] }.finish(.success(()))
        #expect(await all(reader).names.last == "done assistant_message")
    }

    /// A client that has read the end of a stream may send at once: the end of the turn is no turn.
    @Test func rejectTakesTheNextMessageAtOnceAfterTheEnd() async throws {
        let bench = bench(.reject)
        bench.code { _, output in
            output.text(item: 1, "hi")
            output.finish(.success(()))
        }
        let reader = try await bench.create("code")
        _ = await all(reader)
        for number in 0..<200 {
            let next = try await bench.engine.add(to: reader.threadID, message: said("\(number)"), origin: origin)
            #expect(await all(next).names.last == "done assistant_message")
        }
    }

    @Test func rejectOfAThreadThatAnotherHostAnswers() async throws {
        let bench = bench(.reject)
        let reader = try await bench.create("echo")
        _ = await all(reader)
        let before = bench.store.allItems(reader.threadID)
        bench.store.occupy(reader.threadID)
        await #expect(throws: TurnError.busy) {
            try await bench.engine.add(to: reader.threadID, message: said("two"), origin: origin)
        }
        #expect(bench.store.allItems(reader.threadID) == before)
    }

    // MARK: Interrupt

    @Test func interruptKeepsWhatWasShownAndGoesOn() async throws {
        let bench = bench(.interrupt)
        let agent = slow(bench)
        let first = try await bench.create("code")
        var seen = await events(first, until: "delta")
        let second = try await bench.engine.add(to: first.threadID, message: said("two"), origin: origin)
        seen += await all(first)
        seen.checkConformance()
        #expect(seen.names.suffix(2) == ["part done partial", "done assistant_message"])
        #expect(agent.cancelled.withLock { $0 } == [.cancelled])
        let answer = await all(second)
        answer.checkConformance()
        #expect(answer.names.prefix(2) == ["done user_message", "options"] && answer.text == "partial")
        let items = bench.store.allItems(first.threadID)
        let types = items.map(\.type).sorted()
        #expect(
            types == ["assistant_message", "assistant_message", "sdk_hidden_context", "user_message", "user_message"])
        let note = try #require(items.first { $0.type == "sdk_hidden_context" })
        #expect(String(decoding: note.json, as: UTF8.self).contains(Turn.supersededNote))
    }

    @Test func interruptEndsThoseThatWaitToo() async throws {
        let bench = bench(.interrupt)
        let agent = bench.code { _, output in output.text(item: 1, "partial") }
        let first = try await bench.create("code")
        _ = await events(first, until: "delta")
        // While the first one's end is being stored, the others wait behind it.
        bench.store.hold()
        let second = Task { try await bench.engine.add(to: first.threadID, message: said("two"), origin: origin) }
        #expect(await eventually { bench.store.heldBatches >= 2 })
        bench.store.release()
        let waiting = try await second.value
        let third = try await bench.engine.add(to: first.threadID, message: said("three"), origin: origin)
        let names = await all(waiting).names
        #expect(names.first == "done user_message")
        #expect(!names.contains { $0.hasPrefix("error") })
        _ = await events(third, until: "delta")
        agent.outputs.withLock { $0 }.last?.finish(.success(()))
        #expect(await all(third).names.last == "done assistant_message")
        #expect(bench.store.types(first.threadID).count { $0 == "user_message" } == 3)
    }

    // MARK: Sync actions

    @Test(arguments: TurnPolicy.allCases)
    func syncActionsDoNotWait(_ policy: TurnPolicy) async throws {
        let bench = bench(policy)
        let agent = bench.code { request, output in
            guard request.kind == .syncAction else { return output.text(item: 1, "partial") }
            output.emit(item: 0, "thread", ["title": "Acted"])
            output.emit(item: 0, "progress", ["text": "nobody sees this"])
            output.emit(item: 1, "item", ["type": "widget", "widget": ["type": "Card", "children": []]])
            output.finish(.success(()))
        }
        let reader = try await bench.create("code")
        _ = await events(reader, until: "delta")
        let action = ChatKit.ActionCall(thread: reader.threadID, item: nil, type: "x", payload: ["k": nil])
        let updated = try #require(try await bench.engine.syncAction(action, origin: origin))
        #expect(updated.type == "widget")
        #expect(bench.store.allItems(reader.threadID).last?.json == updated.encoded, "stored before it is answered")
        #expect(agent.seen.withLock { $0[1].input } == [["action": ["type": "x", "payload": ["k": nil]]]])
        #expect(agent.cancelled.withLock { $0 } == [])
        // The turn goes on, and knows of the title.
        let output = agent.outputs.withLock { $0[0] }
        output.emit(item: 0, "thread", ["metadata": ["seen": true]])
        output.finish(.success(()))
        let rest = await all(reader)
        #expect(rest.names.contains("thread.updated Acted"))
        let record = ThreadRecord(json: try #require(try await bench.store.thread(reader.threadID, owner: ada)).json)
        #expect(record.title == "Acted" && record.metadata["seen"] == true)
    }

    @Test func aSyncActionThatFailsOrIsRefused() async throws {
        let bench = bench(.queue)
        bench.code { request, output in
            output.finish(request.kind == .syncAction ? .failure(.failed("No.")) : .success(()))
        }
        let reader = try await bench.create("code")
        _ = await all(reader)
        let action = ChatKit.ActionCall(thread: reader.threadID, item: nil, type: "x", payload: .null)
        await #expect(throws: TurnError.actionFailed("No.")) {
            try await bench.engine.syncAction(action, origin: origin)
        }
        let echo = try await bench.create("echo")
        _ = await all(echo)
        let other = ChatKit.ActionCall(thread: echo.threadID, item: nil, type: "x", payload: .null)
        await #expect(throws: TurnError.notImplemented("sync actions", by: "echo")) {
            try await bench.engine.syncAction(other, origin: origin)
        }
    }

    // MARK: Cancelled turns

    @Test func aCancelledTurnCanBeRetried() async throws {
        let bench = bench(.queue)
        bench.code { request, output in
            output.text(item: 1, request.kind == .retry ? "whole" : "partial")
            if request.kind == .retry { output.finish(.success(())) }
        }
        let reader = try await bench.create("code")
        let seen = await events(reader, until: "delta")
        let user = try #require(seen.done.first)
        bench.store.hold()
        reader.leave()
        // The stop is not stored yet when the retry comes.
        let retry = Task { try await bench.engine.retry(thread: reader.threadID, after: user.id, origin: origin) }
        #expect(await eventually { bench.store.heldBatches >= 1 })
        bench.store.release()
        let events = await all(try await retry.value)
        #expect(events.names.first == "options" && events.text == "whole")
        let items = bench.store.allItems(reader.threadID)
        #expect(items.map(\.type) == ["user_message", "assistant_message"], "the note of the stop is gone too")
        #expect(String(decoding: items[1].json, as: UTF8.self).contains("whole"))
    }

    @Test func partialTextIsKeptWhenTheStoreIsSlow() async throws {
        let bench = bench(.queue)
        bench.code { _, output in output.text(item: 1, "partial") }
        let reader = try await bench.create("code")
        let seen = await events(reader, until: "delta")
        let shown = try #require(seen.compactMap(\.item).last)
        bench.store.hold()
        reader.leave()
        // A message behind it waits for the same store.
        let next = Task { try await bench.engine.add(to: reader.threadID, message: said("next"), origin: origin) }
        #expect(await eventually { bench.store.heldBatches >= 1 })
        try await Task.sleep(for: .milliseconds(50))
        bench.store.release()
        let later = try await next.value
        #expect(await later.next()?.names.first == "done user_message")
        let items = bench.store.allItems(reader.threadID)
        #expect(items[1].id == shown.id && items[1].type == "assistant_message")
        #expect(items.map(\.type).contains("sdk_hidden_context"))
    }
}
