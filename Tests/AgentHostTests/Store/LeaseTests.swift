import Glibc
import Testing

@testable import AgentHost

/// One turn at a time per thread, also with several hosts and dead ones.
struct LeaseTests {
    let fixture: StoreFixture
    var store: SQLiteStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func oneTurnAtATime() async throws {
        let thread = try await fixture.makeThread()
        try await store.write([.openTurn(.sample("one", in: thread))])
        await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("two", in: thread))]) }
        try await store.write([.closeTurn(id: "two"), .checkpointTurn(id: "two", json: [1])])
        await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("two", in: thread))]) }
        #expect(try await store.interruptedTurns().isEmpty)
        try await store.write([.closeTurn(id: "one"), .openTurn(.sample("two", in: thread))])
    }

    @Test func turnIdsAreTakenOnce() async throws {
        let (one, two) = (try await fixture.makeThread(), try await fixture.makeThread())
        try await store.write([.openTurn(.sample("trn", in: one))])
        await #expect(throws: StoreError.exists) { try await store.write([.openTurn(.sample("trn", in: two))]) }
    }

    @Test func busyUndoesTheMessageThatCameWithIt() async throws {
        let thread = try await fixture.makeThread()
        try await store.write([.openTurn(.sample("one", in: thread))])
        await #expect(throws: StoreError.busy) {
            try await store.write([
                .insertItem(.sample("itm", in: thread), owner: .ada), .openTurn(.sample("two", in: thread)),
            ])
        }
        #expect(try await store.history(thread: thread, owner: .ada, limit: 9).isEmpty)
    }

    @Test func ofManyThatWantTheLeaseOneGetsIt() async throws {
        let thread = try await fixture.makeThread()
        let second = try SQLiteStore(path: fixture.path)
        let winners = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<40 {
                group.addTask { [store] in
                    let host = index % 2 == 0 ? store : second
                    return (try? await host.write([.openTurn(.sample("trn_\(index)", in: thread))])) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
        await second.close()
    }

    @Test func liveHostsLeaseIsRespectedDeadHostsIsReported() async throws {
        let thread = try await fixture.makeThread()
        let other = try SQLiteStore(path: fixture.path)
        try await other.write([
            .openTurn(.sample("trn", in: thread)), .checkpointTurn(id: "trn", json: Array("half".utf8)),
        ])
        #expect(try await store.interruptedTurns().isEmpty)
        await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("new", in: thread))]) }
        await other.close()

        let reported = try await store.interruptedTurns()
        #expect(reported == [.sample("trn", in: thread, checkpoint: "half")])
        // Now it is ours: until it is closed it keeps others out, and it is reported once.
        #expect(try await store.interruptedTurns().isEmpty)
        await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("new", in: thread))]) }
        try await store.write([
            .insertItem(.sample("half", in: thread), owner: .ada), .closeTurn(id: "trn"),
            .openTurn(.sample("new", in: thread)),
        ])
    }

    @Test func messageThatMeetsADeadLeaseGoesOnAndNothingIsLost() async throws {
        let thread = try await fixture.makeThread()
        let other = try SQLiteStore(path: fixture.path)
        try await other.write([.openTurn(.sample("old", in: thread, checkpoint: "half"))])
        await other.close()

        try await store.write([.openTurn(.sample("new", in: thread, checkpoint: "mine"))])
        await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("x", in: thread))]) }
        #expect(try await store.interruptedTurns() == [.sample("old", in: thread, checkpoint: "half")])
        try await store.write([.closeTurn(id: "old")])
        await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("x", in: thread))]) }
    }

    @Test func reportedTurnIsReportedAgainWhenItsReporterDiesToo() async throws {
        let thread = try await fixture.makeThread()
        for _ in 0..<3 {
            let host = try SQLiteStore(path: fixture.path)
            let turns = try await host.interruptedTurns()
            if turns.isEmpty { try await host.write([.openTurn(.sample("trn", in: thread, checkpoint: "half"))]) }
            await host.close()
        }
        #expect(try await store.interruptedTurns() == [.sample("trn", in: thread, checkpoint: "half")])
    }

    @Test func killedProcessLosesItsLeases() async throws {
        let thread = try await fixture.makeThread()
        let path = fixture.path
        let result = await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, thread = thread as String] in
            let store = try SQLiteStore(path: path)
            try await store.write([.openTurn(.sample("trn", in: thread, checkpoint: "half"))])
            kill(getpid(), SIGKILL)
        }
        #expect(result != nil)
        #expect(try await store.interruptedTurns() == [.sample("trn", in: thread, checkpoint: "half")])
    }

    @Test func otherProcessRespectsTheLease() async throws {
        let thread = try await fixture.makeThread()
        try await store.write([.openTurn(.sample("trn", in: thread))])
        let path = fixture.path
        await #expect(processExitsWith: .success) { [path = path as String, thread = thread as String] in
            let store = try SQLiteStore(path: path)
            #expect(try await store.interruptedTurns().isEmpty)
            await #expect(throws: StoreError.busy) { try await store.write([.openTurn(.sample("new", in: thread))]) }
            try await store.write([.insertItem(.sample("from-child", in: thread), owner: .ada)])
            await store.close()
        }
        #expect(try await store.history(thread: thread, owner: .ada, limit: 9).map(\.id) == ["from-child"])
    }

    @Test func checkpointsRideAlong() async throws {
        let thread = try await fixture.makeThread()
        let other = try SQLiteStore(path: fixture.path)
        try await other.write([.openTurn(.sample("trn", in: thread))])
        // Not waited for: the write behind them takes them along.
        for index in 0..<100 { other.submit([.checkpointTurn(id: "trn", json: Array("\(index)".utf8))]) { _ in } }
        let before = monotonicMilliseconds()
        try await other.write([.insertItem(.sample("itm", in: thread), owner: .ada)])
        #expect(monotonicMilliseconds() - before < 5_000)
        // Alone they come through as well.
        try await other.write([.checkpointTurn(id: "trn", json: Array("last".utf8))])
        await other.close()
        #expect(try await store.interruptedTurns() == [.sample("trn", in: thread, checkpoint: "last")])
    }
}
