import Synchronization
import Testing

@testable import AgentHost

struct EngineTests {
    @Test func createEchoesInTheOrderOfTheProtocol() async throws {
        let bench = Bench()
        let reader = try await bench.create("echo", "hello there")
        let events = await all(reader)
        #expect(
            events.names == [
                "thread.created", "done user_message", "options", "added assistant_message", "part", "delta hello ",
                "delta there", "part done hello there", "done assistant_message",
            ])
        events.checkConformance()
        #expect(bench.store.allItems(reader.threadID).map(\.json) == events.done.map(\.encoded))
        #expect(await eventually { bench.store.openTurns.isEmpty })
    }

    @Test func addAnswersOnTheSameThread() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        _ = await all(first)
        let events = await all(try await bench.engine.add(to: first.threadID, message: said("again"), origin: origin))
        #expect(events.names.prefix(3) == ["done user_message", "options", "added assistant_message"])
        #expect(events.text == "again")
    }

    @Test func retryRemovesWhatFollowedAndAnswersAgain() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        let before = await all(first)
        let user = try #require(before.done.first)
        let events = await all(try await bench.engine.retry(thread: first.threadID, after: user.id, origin: origin))
        #expect(events.names.first == "options")
        #expect(bench.store.allItems(first.threadID).map(\.id) == [user.id] + events.done.map(\.id))
        #expect(bench.store.types(first.threadID) == ["user_message", "assistant_message"])
    }

    @Test func retryRefusesWhatIsNoUserMessage() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        let answer = try #require(await all(first).done.last)
        await #expect(throws: TurnError.notAUserMessage) {
            _ = try await bench.engine.retry(thread: first.threadID, after: answer.id, origin: origin)
        }
        await #expect(throws: TurnError.itemNotFound) {
            _ = try await bench.engine.retry(thread: first.threadID, after: "msg_x", origin: origin)
        }
    }

    @Test func foreignThreadIsLikeAMissingOne() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        _ = await all(first)
        let eve = TurnOrigin(owner: OwnerKey("h:eve"), requestID: "", locale: "en")
        await #expect(throws: TurnError.threadNotFound) {
            _ = try await bench.engine.add(to: first.threadID, message: said("x"), origin: eve)
        }
        await #expect(throws: TurnError.threadNotFound) {
            _ = try await bench.engine.updateTitle("x", thread: first.threadID, owner: eve.owner, requestID: "")
        }
        try await bench.engine.delete(thread: first.threadID, owner: eve.owner)
        #expect(!bench.store.allItems(first.threadID).isEmpty)
    }

    @Test func unknownAgentStoresNothing() async throws {
        let bench = Bench()
        await #expect(throws: TurnError.unknownAgent("nobody")) { _ = try await bench.create("nobody") }
        #expect(bench.store.batches == 0)
    }

    @Test func agentOfAThreadThatIsNotLoadedIsUnavailable() async throws {
        let bench = Bench()
        bench.code { _, output in output.finish(.success(())) }
        let first = try await bench.create("code")
        _ = await all(first)
        bench.registry.withdraw(plugin: "c")
        await #expect(throws: TurnError.agentUnavailable("code")) {
            _ = try await bench.engine.add(to: first.threadID, message: said("x"), origin: origin)
        }
        #expect(bench.store.types(first.threadID) == ["user_message"])
    }

    @Test func failedFirstWriteThrowsBeforeAStreamOpens() async throws {
        let bench = Bench()
        bench.store.failNext(.failed("disk full"))
        await #expect(throws: TurnError.storage) { _ = try await bench.create("echo") }
        // Nothing stays behind: the engine drains at once.
        await bench.engine.shutdown(drainMilliseconds: 10_000)
    }

    @Test func nothingIsShownBeforeItIsDurable() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "answer") }
        let reader = try await bench.create("code")
        bench.store.hold()
        let output = agent.outputs.withLock { $0[0] }
        output.itemDone(1)
        output.emit(item: 9, kind: "progress", json: Array(#"{"text":"later"}"#.utf8))
        _ = await events(reader, until: "part done answer")
        #expect(bench.store.heldBatches == 1)
        async let next = reader.next()
        bench.store.release()
        #expect(await next?.names == ["done assistant_message", "progress later"])
        output.finish(.success(()))
        #expect(await reader.next() == nil)
    }

    @Test func failedWriteIsNeverShown() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "answer") }
        let reader = try await bench.create("code")
        bench.store.failNext(.failed("disk full"))
        agent.outputs.withLock { $0[0] }.itemDone(1)
        let events = await all(reader)
        #expect(events.names.suffix(2) == ["part done answer", "error storage_error"])
        #expect(bench.store.types(reader.threadID) == ["user_message"])
        #expect(await eventually { bench.store.openTurns.isEmpty })
        let again = try await bench.engine.add(to: reader.threadID, message: said("x"), origin: origin)
        again.leave()
    }

    @Test func failedLastWriteIsAnErrorAndTheThreadComesFree() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "answer") }
        let reader = try await bench.create("code")
        bench.store.failNext(.failed("disk full"))
        agent.outputs.withLock { $0[0] }.finish(.success(()))
        let events = await all(reader)
        #expect(events.names.last == "error storage_error")
        #expect(!events.names.contains("done assistant_message"))
        #expect(await eventually { bench.store.openTurns.isEmpty })
    }

    @Test func renameAndDelete() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        _ = await all(first)
        let thread = try await bench.engine.updateTitle("Groceries", thread: first.threadID, owner: ada, requestID: "")
        #expect(thread.title == "Groceries")
        #expect(try await bench.store.thread(first.threadID, owner: ada)?.chatKit.title == "Groceries")
        try await bench.engine.delete(thread: first.threadID, owner: ada)
        #expect(try await bench.store.thread(first.threadID, owner: ada) == nil)
        try await bench.engine.delete(thread: first.threadID, owner: ada)
    }

    @Test func deletingAThreadEndsItsTurnWithoutAWord() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "partial") }
        let reader = try await bench.create("code")
        try await bench.engine.delete(thread: reader.threadID, owner: ada)
        let events = await all(reader)
        #expect(events.names.last == "delta partial")
        #expect(agent.cancelled.withLock { $0 } == [.cancelled])
        #expect(bench.store.allItems(reader.threadID).isEmpty)
    }

    @Test func recoveryKeepsTheTextTheClientSaw() async throws {
        let bench = Bench()
        let first = try await bench.create("echo")
        _ = await all(first)
        let partial = ChatKit.Item(
            id: "msg_cut", threadID: first.threadID, createdAt: .now(),
            content: .assistantMessage([.init(text: "Half an ans")]))
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("items")
            writer.array { partial.encode(into: &$0) }
        }
        bench.store.interrupt(OpenTurn(id: "turn_1", threadID: first.threadID, owner: ada, checkpoint: writer.bytes))
        bench.store.interrupt(OpenTurn(id: "turn_2", threadID: "thr_gone", owner: ada, checkpoint: Array("{".utf8)))
        await bench.engine.recover()
        #expect(bench.store.openTurns == [])
        let items = bench.store.allItems(first.threadID)
        #expect(items.map(\.type).suffix(2) == ["assistant_message", "sdk_hidden_context"])
        #expect(items[items.count - 2].json == partial.encoded)
        let events = await all(try await bench.engine.add(to: first.threadID, message: said("go on"), origin: origin))
        #expect(events.text == "go on")
    }

    @Test func shutdownWaitsThenCutsWithAnErrorThatAllowsRetry() async throws {
        let bench = Bench()
        bench.code { _, output in output.text(item: 1, "partial") }
        let reader = try await bench.create("code")
        await bench.engine.shutdown(drainMilliseconds: 20)
        let events = await all(reader)
        events.checkConformance()
        #expect(events.names.suffix(2) == ["done assistant_message", "error shutting_down"])
        await #expect(throws: TurnError.shuttingDown) { _ = try await bench.create("echo") }
    }
}
