import Synchronization
import Testing

@testable import AgentHost

/// Leaving, waiting, other processes.
struct QueueTests {
    @Test func leavingKeepsPartialTextUnderTheIdTheClientSaw() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in
            output.text(item: 1, "partial")
            output.emit(item: 2, kind: "widget", json: Array(#"{"type":"Card"}"#.utf8))
            output.text(item: 3, "  ")
        }
        let reader = try await bench.create("code")
        let seen = await events(reader, until: "delta partial")
        let shown = try #require(seen.compactMap(\.item).first { $0.type == "assistant_message" })
        reader.leave()
        #expect(await reader.next() == nil)
        #expect(await eventually { bench.store.openTurns.isEmpty })
        let items = bench.store.allItems(reader.threadID)
        #expect(items.map(\.type) == ["user_message", "assistant_message", "sdk_hidden_context"])
        #expect(items[1].id == shown.id && items[1].createdAt == shown.createdAt)
        #expect(String(decoding: items[1].json, as: UTF8.self).contains("partial"))
        #expect(agent.cancelled.withLock { $0 } == [.cancelled])
        // The thread accepts the next message.
        let next = try await bench.engine.add(to: reader.threadID, message: said("again"), origin: origin)
        #expect(await next.next()?.names.first == "done user_message")
    }

    @Test(arguments: 0..<12) func leavingAtAnyPointLeavesTheThreadUsable(_ events: Int) async throws {
        let bench = Bench()
        let tool = ScriptedTool { _, _ in .success("ok") }
        bench.bot(
            ScriptedModel([
                ScriptedModel.call(("add", "{}")), ScriptedModel.say("a", "b", "c"), ScriptedModel.say("fine"),
            ]),
            tools: [("add", tool)])
        let reader = try await bench.create("bot")
        var seen = 0
        while seen < events, let more = await reader.next() { seen += more.count }
        reader.leave()
        #expect(await eventually { bench.store.openTurns.isEmpty })
        let next = await all(try await bench.engine.add(to: reader.threadID, message: said("next"), origin: origin))
        #expect(next.done.last?.type == "assistant_message")
        #expect(next.names.contains("done user_message"))
    }

    @Test func stoppedCallsAreRememberedForTheModel() async throws {
        let bench = Bench()
        let model = ScriptedModel([
            ScriptedModel.call(("quick", "{}"), ("endless", "{}")), ScriptedModel.say("fine"),
        ])
        bench.bot(
            model,
            tools: [("quick", ScriptedTool { _, _ in .success("did it") }), ("endless", ScriptedTool { _, _ in nil })])
        let reader = try await bench.create("bot")
        _ = await events(reader, until: "task 0 complete")
        reader.leave()
        #expect(await eventually { bench.store.openTurns.isEmpty })
        #expect(bench.store.types(reader.threadID) == ["user_message", "sdk_hidden_context"])
        _ = await all(try await bench.engine.add(to: reader.threadID, message: said("well?"), origin: origin))
        let told = model.requests[1].messages
        #expect(told.map { $0["role"] } == ["system", "user", "assistant", "tool", "tool", "system", "user"])
        #expect(told[3]["content"] == "did it")
        #expect(told[4]["content"]?.string?.hasPrefix("Error: The call was interrupted") == true)
    }

    @Test func cancellingTheAwaitingTaskEndsNextAndTheTurn() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "partial") }
        let reader = try await bench.create("code")
        let task = Task { await all(reader) }
        #expect(await eventually { agent.credit.withLock { $0 } > 0 })
        task.cancel()
        #expect(await task.value.names.last == "delta partial")
        #expect(await eventually { bench.store.types(reader.threadID).last == "sdk_hidden_context" })
    }

    @Test func droppingTheReaderCountsAsLeaving() async throws {
        let bench = Bench()
        let agent = bench.code { _, _ in }
        do { _ = try await bench.create("code") }
        #expect(await eventually { !agent.cancelled.withLock { $0.isEmpty } })
    }

    @Test func messageForABusyThreadIsStoredAtOnceAndAnsweredInOrder() async throws {
        let bench = Bench()
        let agent = bench.code { request, output in
            output.text(item: 1, request.input.first?["content"]?.array?.first?["text"]?.string ?? "")
        }
        let first = try await bench.create("code", "one")
        let second = try await bench.engine.add(to: first.threadID, message: said("two"), origin: origin)
        let third = try await bench.engine.add(to: first.threadID, message: said("three"), origin: origin)
        #expect(await second.next()?.names == ["done user_message"])
        #expect(await third.next()?.names == ["done user_message"])
        #expect(bench.store.types(first.threadID) == ["user_message", "user_message", "user_message"])
        #expect(agent.seen.withLock { $0.count } == 1)
        agent.outputs.withLock { $0[0] }.finish(.success(()))
        #expect(await all(first).text == "one")
        #expect(await eventually { agent.outputs.withLock { $0.count } == 2 })
        agent.outputs.withLock { $0[1] }.finish(.success(()))
        let events = await all(second)
        #expect(events.names.first == "options" && events.text == "two")
        #expect(await eventually { agent.outputs.withLock { $0.count } == 3 })
        agent.outputs.withLock { $0[2] }.finish(.success(()))
        #expect(await all(third).text == "three")
    }

    @Test func modelOfAQueuedMessageIsToldThatMessageLast() async throws {
        let bench = Bench()
        let model = ScriptedModel([{ _, _ in nil }, ScriptedModel.say("B!"), ScriptedModel.say("C!")])
        bench.bot(model)
        let first = try await bench.create("bot", "A")
        let second = try await bench.engine.add(to: first.threadID, message: said("B"), origin: origin)
        let third = try await bench.engine.add(to: first.threadID, message: said("C"), origin: origin)
        first.leave()
        _ = await all(second)
        _ = await all(third)
        #expect(model.requests[1].messages.filter { $0["role"] != "system" }.map { $0["content"] } == ["A", "B"])
        #expect(
            model.requests[2].messages.filter { $0["role"] != "system" }.map { $0["content"] } == ["A", "B", "B!", "C"])
    }

    @Test func atMostEightWait() async throws {
        let bench = Bench()
        bench.code { _, _ in }
        let first = try await bench.create("code")
        var waiting: [TurnReader] = []
        for index in 0..<8 {
            waiting.append(try await bench.engine.add(to: first.threadID, message: said("\(index)"), origin: origin))
        }
        await #expect(throws: TurnError.busy) {
            _ = try await bench.engine.add(to: first.threadID, message: said("x"), origin: origin)
        }
        // One that leaves makes room.
        waiting[3].leave()
        waiting.append(try await bench.engine.add(to: first.threadID, message: said("y"), origin: origin))
        #expect(bench.store.types(first.threadID).count == 10)
    }

    @Test func turnWaitsForAnotherProcess() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        _ = await all(first)
        #expect(await eventually { bench.store.openTurns.isEmpty })
        bench.store.occupy(first.threadID)
        let reader = try await bench.engine.add(to: first.threadID, message: said("waits"), origin: origin)
        #expect(await reader.next()?.names == ["done user_message"])
        bench.store.vacate()
        #expect(await all(reader).text == "waits")
    }

    @Test func waitingForAnotherProcessHasAnEnd() async throws {
        var limits = TurnConfiguration()
        limits.leaseWait = 30
        let bench = Bench(limits)
        let first = try await bench.create("echo")
        _ = await all(first)
        #expect(await eventually { bench.store.openTurns.isEmpty })
        bench.store.occupy(first.threadID)
        let reader = try await bench.engine.add(to: first.threadID, message: said("waits"), origin: origin)
        #expect(await all(reader).names == ["done user_message", "error thread_busy"])
        bench.store.vacate()
        #expect(
            await all(try await bench.engine.add(to: first.threadID, message: said("x"), origin: origin)).text == "x")
    }
}
