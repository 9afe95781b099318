import Synchronization
import Testing

@testable import AgentHost

/// Clients that come back to their turns, and others that look on.
struct ResumingTests {
    private static let returning = TurnOrigin(owner: ada, requestID: "req_1", locale: "en", resumes: true)

    private func create(_ bench: Bench) async throws -> TurnReader {
        try await bench.engine.create(agent: "code", message: said("hello"), origin: Self.returning)
    }

    private func output(_ agent: ScriptedAgent) -> any AgentOutput { agent.outputs.withLock { $0[0] } }

    private func resume(_ bench: Bench, _ thread: String, _ turn: String?, _ seen: Int) throws -> TurnReader? {
        try bench.engine.resume(
            thread: thread, owner: ada, after: turn.map { EventCursor(turn: $0, number: seen) })
    }

    @Test(arguments: 0..<12) func leavingAtAnyPointLosesAndRepeatsNothing(_ seen: Int) async throws {
        let bench = Bench()
        let agent = bench.code { _, output in
            var deltas: ChatKit.TextDeltas = "a"
            for piece in ["b", "c"] { deltas.append(piece) }
            output.text(item: 1, deltas)
        }
        let first = try await create(bench)
        let turn = try #require(first.cursor?.turn)
        let before = await events(first, until: "delta c").names
        #expect(before.count == 8)
        first.leave()
        #expect(await first.next() == nil)
        var more: ChatKit.TextDeltas = "d"
        more.append("e")
        output(agent).text(item: 1, more)
        let whole = before + ["delta d", "delta e"]
        // Ten events are there; after more nobody can ask.
        guard seen <= 10 else {
            #expect(throws: ResumeGap.self) { try resume(bench, first.threadID, turn, seen) }
            return
        }
        let second = try #require(try resume(bench, first.threadID, turn, seen))
        #expect(second.cursor == EventCursor(turn: turn, number: seen))
        output(agent).finish(.success(()))
        let rest = await all(second).names
        #expect(rest == Array((whole + ["part done abcde", "done assistant_message"]).dropFirst(seen)))
        #expect(agent.cancelled.withLock { $0 }.isEmpty)
    }

    @Test func aPlainReaderKeepsNothingAndCancels() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "partial") }
        let reader = try await bench.create("code")
        #expect(reader.cursor == nil)
        _ = await events(reader, until: "delta")
        let run = try #require(bench.engine.state.withLock { $0.active.values.first?.run })
        #expect(run.state.withLock { $0.turn.transcript.log.retainedBytes } == 0)
        #expect(throws: ResumeGap.self) { try resume(bench, reader.threadID, nil, 0) }
        #expect(throws: ResumeGap.self) { try resume(bench, reader.threadID, run.id, 2) }
        reader.leave()
        #expect(await eventually { agent.cancelled.withLock { $0 } == [.cancelled] })
        #expect(await eventually { bench.engine.state.withLock { $0.active.isEmpty } })
        #expect(bench.engine.state.withLock { $0.kept.count } == 0)
    }

    @Test func severalFollowOneTurn() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "one ") }
        let first = try await create(bench)
        let followers = try (0..<5).map { _ in try #require(try resume(bench, first.threadID, nil, 0)) }
        async let texts = withTaskGroup(of: [String].self) { group in
            for reader in followers + [first] { group.addTask { await all(reader).names } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for piece in ["two ", "three"] { output(agent).text(item: 1, .init(piece)) }
        output(agent).finish(.success(()))
        let seen = await texts
        #expect(seen.count == 6)
        #expect(Set(seen).count == 1 && seen[0].suffix(2) == ["part done one two three", "done assistant_message"])
    }

    /// Who looks on sees how the turn ends that its plain reader has left.
    @Test func lookingOnDoesNotKeepATurnAlive() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "partial") }
        let plain = try await bench.create("code")
        #expect(await eventually { bench.engine.state.withLock { $0.active.values.first?.run.isOpen == true } })
        let follower = try #require(try resume(bench, plain.threadID, nil, 0))
        plain.leave()
        let seen = await all(follower)
        seen.checkConformance()
        #expect(seen.names.suffix(2) == ["part done partial", "done assistant_message"])
        #expect(agent.cancelled.withLock { $0 } == [.cancelled])
        #expect(bench.store.types(plain.threadID).last == "sdk_hidden_context")
    }

    @Test func theLastFollowerDoesNotEndAnAnnouncedTurn() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "x") }
        let first = try await create(bench)
        let second = try #require(try resume(bench, first.threadID, nil, 0))
        first.leave()
        second.leave()
        #expect(bench.engine.state.withLock { $0.active.count } == 1)
        #expect(agent.cancelled.withLock { $0 }.isEmpty)
        output(agent).finish(.success(()))
        #expect(await eventually { bench.store.types(first.threadID) == ["user_message", "assistant_message"] })
    }

    // MARK: What is kept

    @Test func whatIsForcedOutIsAGap() async throws {
        var limits = TurnConfiguration()
        limits.resumeWindow = 20_000
        let bench = Bench(limits)
        let agent = bench.code { _, output in output.text(item: 1, "x") }
        let first = try await create(bench)
        let turn = try #require(first.cursor?.turn)
        _ = await events(first, until: "delta")
        first.leave()
        for _ in 0..<100 { output(agent).text(item: 1, .init(String(repeating: "x", count: 1_000))) }
        #expect(agent.credit.withLock { $0 } == 100_001, "nobody is waited for")
        #expect(throws: ResumeGap.self) { try resume(bench, first.threadID, turn, 6) }
        #expect(throws: ResumeGap.self) { try resume(bench, first.threadID, nil, 0) }
        let last = try #require(try resume(bench, first.threadID, turn, 100))
        output(agent).finish(.success(()))
        #expect(await all(last).names.count == 8)
    }

    @Test func theEndIsKeptForItsTimeAndWithinItsBound() async throws {
        var limits = TurnConfiguration()
        limits.keptTime = 300
        limits.keptBytes = 6_000
        let bench = Bench(limits)
        bench.code { _, output in
            for _ in 0..<20 { output.text(item: 1, .init(String(repeating: "x", count: 100))) }
            output.finish(.success(()))
        }
        let first = try await create(bench)
        let turn = try #require(first.cursor?.turn)
        let whole = await all(first).names
        #expect(await eventually { bench.engine.state.withLock { $0.kept.count == 1 } })
        #expect(bench.engine.state.withLock { (1...6_000).contains($0.kept.bytes) })
        #expect(throws: ResumeGap.self) { try resume(bench, first.threadID, turn, 1) }
        let again = try #require(try resume(bench, first.threadID, turn, whole.count - 2))
        #expect(await all(again).names == whole.suffix(2))
        let atTheEnd = try #require(try resume(bench, first.threadID, turn, whole.count))
        #expect(await all(atTheEnd).isEmpty)
        #expect(await eventually { bench.engine.state.withLock { $0.kept.count == 0 && $0.kept.bytes == 0 } })
        #expect(throws: ResumeGap.self) { try resume(bench, first.threadID, turn, whole.count) }
        #expect(try resume(bench, first.threadID, nil, 0) == nil)
    }

    @Test func allThatIsKeptIsBounded() async throws {
        var limits = TurnConfiguration()
        limits.keptBytesOfAll = 4_000
        let bench = Bench(limits)
        bench.code { _, output in output.finish(.success(())) }
        var turns: [(thread: String, turn: String)] = []
        for _ in 0..<20 {
            let reader = try await create(bench)
            turns.append((reader.threadID, try #require(reader.cursor?.turn)))
            _ = await all(reader)
            #expect(await eventually { bench.engine.state.withLock { $0.active.isEmpty } })
            #expect(bench.engine.state.withLock { $0.kept.bytes <= 4_000 })
        }
        #expect(throws: ResumeGap.self) { try resume(bench, turns[0].thread, turns[0].turn, 0) }
        #expect(try resume(bench, turns[19].thread, turns[19].turn, 0) != nil)
    }

    @Test func withoutACursorTheNewestTurnIsMeant() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in
            output.text(item: 1, "x")
            output.finish(.success(()))
        }
        let first = try await create(bench)
        let turn = try #require(first.cursor?.turn)
        let whole = await all(first).names
        #expect(await eventually { bench.engine.state.withLock { $0.kept.count == 1 } })
        let kept = try #require(try resume(bench, first.threadID, nil, 0))
        #expect(kept.cursor == EventCursor(turn: turn, number: 0))
        #expect(await all(kept).names == whole)
        // A plain turn comes behind it: that one is not kept, and the one before is not the last any more.
        _ = await all(try await bench.engine.add(to: first.threadID, message: said("two"), origin: origin))
        #expect(await eventually { bench.engine.state.withLock { $0.active.isEmpty } })
        #expect(try resume(bench, first.threadID, nil, 0) == nil)
        #expect(try resume(bench, first.threadID, turn, 0) != nil)
        #expect(agent.seen.withLock { $0.count } == 2)
    }

    @Test func nobodyElseComesBack() async throws {
        let bench = Bench()
        bench.code { _, output in output.finish(.success(())) }
        let first = try await create(bench)
        let other = try await create(bench)
        let cursor = try #require(first.cursor)
        _ = await all(first)
        for _ in 0..<2 {
            #expect(throws: ResumeGap.self) {
                try bench.engine.resume(thread: first.threadID, owner: OwnerKey("h:eve"), after: cursor)
            }
            #expect(throws: ResumeGap.self) { try resume(bench, other.threadID, cursor.turn, 0) }
            #expect(await eventually { bench.engine.state.withLock { $0.kept.count == 2 } })
        }
        try await bench.engine.delete(thread: first.threadID, owner: ada)
        #expect(throws: ResumeGap.self) { try resume(bench, first.threadID, cursor.turn, 0) }
    }

    /// Readers come, read a little and go while the agent speaks, from many threads; each gets a piece without a hole.
    @Test func readersComeAndGoWhileTheAgentSpeaks() async throws {
        var limits = TurnConfiguration()
        // The first reader waits for the others, which takes long under a sanitizer.
        limits.readerPatience = 300_000
        let bench = Bench(limits)
        let agent = bench.code { _, _ in }
        let first = try await create(bench)
        let thread = first.threadID
        let turn = try #require(first.cursor?.turn)
        #expect(await eventually { agent.outputs.withLock { !$0.isEmpty } })
        let output = output(agent)
        let opening = 3
        let pieces = 4_000
        async let spoken: Void = {
            var number = 0
            while number < pieces {
                var deltas = ChatKit.TextDeltas()
                for _ in 0...(number % 5) where number < pieces {
                    deltas.append("\(number) ")
                    number += 1
                }
                output.text(item: 1, deltas)
                if number % 50 < 5 { await Task.yield() }
            }
            output.finish(.success(()))
        }()
        let wholes = try await withThrowingTaskGroup(of: [String].self) { group in
            for reader in 0..<8 {
                group.addTask {
                    var seen: [String] = []
                    var round = reader
                    while true {
                        let source = try #require(
                            try bench.engine.resume(
                                thread: thread, owner: ada, after: EventCursor(turn: turn, number: seen.count)))
                        round += 1
                        var taken = 0
                        while taken < 1 + round * 7 % 300 {
                            guard let more = await source.next() else { return seen }
                            seen += more.names
                            taken += more.count
                        }
                        source.leave()
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        await spoken
        let whole = await all(first).names
        try #require(whole.count == opening + 2 + pieces + 2)
        #expect(whole[5...].prefix(pieces).elementsEqual((0..<pieces).map { "delta \($0) " }))
        for seen in wholes { #expect(seen == whole) }
    }

    // MARK: Slow readers

    @Test func aReaderTooFarBehindIsDroppedAndNotTheTurn() async throws {
        var limits = TurnConfiguration()
        limits.maximumBytesAhead = 10_000
        let bench = Bench(limits)
        let agent = bench.code { _, output in output.text(item: 1, "x") }
        let slow = try await create(bench)
        let turn = try #require(slow.cursor?.turn)
        let quick = try #require(try resume(bench, slow.threadID, nil, 0))
        for _ in 0..<100 {
            output(agent).text(item: 1, .init(String(repeating: "x", count: 1_000)))
            guard case .events = quick.take(limit: 1 << 20) else {
                Issue.record("the quick reader lost its stream")
                break
            }
        }
        guard case .dropped = slow.take(limit: 1 << 20) else {
            Issue.record("the slow reader is still there")
            return
        }
        let again = try #require(try resume(bench, slow.threadID, turn, 5))
        output(agent).finish(.success(()))
        let rest = await all(again).names
        #expect(rest.count == 103 && rest.last == "done assistant_message")
        #expect(agent.credit.withLock { $0 } == 100_001)
    }

    @Test func aReaderThatTakesNothingForTooLongIsDropped() async throws {
        var limits = TurnConfiguration()
        limits.readerPatience = 50
        let bench = Bench(limits)
        let agent = bench.code { _, output in output.text(item: 1, "x") }
        let slow = try await create(bench)
        #expect(agent.credit.withLock { $0 } == 0)
        // What it held back is given back without it.
        #expect(await eventually { agent.credit.withLock { $0 } == 1 })
        guard case .dropped = slow.take(limit: 1 << 20) else {
            Issue.record("the slow reader is still there")
            return
        }
        #expect(agent.cancelled.withLock { $0 }.isEmpty)
        // One that waits is not slow.
        let quick = try #require(try resume(bench, slow.threadID, nil, 0))
        _ = await events(quick, until: "delta")
        await bench.engine.sleep(milliseconds: 200)
        output(agent).finish(.success(()))
        #expect(await all(quick).names.last == "done assistant_message")
    }

    @Test func creditWaitsForTheSlowestReader() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "x") }
        let slow = try await create(bench)
        let quick = try #require(try resume(bench, slow.threadID, nil, 0))
        _ = await events(quick, until: "delta")
        #expect(agent.credit.withLock { $0 } == 0)
        _ = await events(slow, until: "delta")
        #expect(agent.credit.withLock { $0 } == 1)
        output(agent).text(item: 1, "yz")
        _ = await events(quick, until: "delta")
        #expect(agent.credit.withLock { $0 } == 1)
        slow.leave()
        #expect(agent.credit.withLock { $0 } == 3)
    }

    // MARK: Stopping

    @Test func stopCompletesWhatWasShown() async throws {
        let bench = Bench()
        let agent = bench.code { _, output in output.text(item: 1, "partial") }
        let reader = try await create(bench)
        let seen = await events(reader, until: "delta")
        let shown = try #require(seen.compactMap(\.item).last)
        bench.engine.stop(thread: reader.threadID, owner: OwnerKey("h:eve"))
        #expect(agent.cancelled.withLock { $0 }.isEmpty)
        bench.engine.stop(thread: reader.threadID, owner: ada)
        let rest = await all(reader)
        (seen + rest).checkConformance()
        #expect(rest.names == ["part done partial", "done assistant_message"])
        #expect(rest.done.last?.id == shown.id)
        #expect(bench.store.types(reader.threadID) == ["user_message", "assistant_message", "sdk_hidden_context"])
        #expect(agent.cancelled.withLock { $0 } == [.cancelled])
        #expect(await eventually { bench.store.openTurns.isEmpty })
        bench.engine.stop(thread: reader.threadID, owner: ada)
        bench.engine.stop(thread: "thr_none", owner: ada)
    }

    @Test func stopLeavesTheNextMessageAlone() async throws {
        let bench = Bench()
        bench.code { request, output in
            output.text(item: 1, "answer")
            if request.input.first?["content"]?.array?.first?["text"] != "hello" { output.finish(.success(())) }
        }
        let first = try await create(bench)
        let second = try await bench.engine.add(to: first.threadID, message: said("two"), origin: origin)
        bench.engine.stop(thread: first.threadID, owner: ada)
        #expect(await all(first).names.last == "done assistant_message")
        let events = await all(second)
        #expect(events.names.first == "done user_message" && events.text == "answer")
    }
}
