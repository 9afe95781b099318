import Synchronization
import Testing

@testable import AgentHost

/// Batches: what they store, that they are all or nothing, and that they keep their order.
struct BatchTests {
    let fixture: StoreFixture
    var store: SQLiteStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func threadComesBackAsStored() async throws {
        var thread = StoredThread.sample("thr_1", json: #"{"title":"é😀"}"#)
        try await store.write([.insertThread(thread)])
        #expect(try await store.thread("thr_1", owner: .ada) == thread)

        thread.json = Array("{\"title\":\"\u{0}\"}".utf8)
        try await store.write([.updateThread(id: "thr_1", owner: .ada, json: thread.json)])
        #expect(try await store.thread("thr_1", owner: .ada) == thread)
        await #expect(throws: StoreError.exists) { try await store.write([.insertThread(thread)]) }
    }

    @Test func aThreadIsBoundToAnotherAgentByItsOwnerOnly() async throws {
        let thread = StoredThread.sample("thr_1", json: "{}")
        try await store.write([.insertThread(thread)])
        await #expect(throws: StoreError.threadNotFound) {
            try await store.write([.bindThread(id: "thr_1", owner: OwnerKey("h:eve"), agent: "evil")])
        }
        #expect(try await store.thread("thr_1", owner: .ada)?.agent == thread.agent)
        try await store.write([.bindThread(id: "thr_1", owner: .ada, agent: "other")])
        #expect(try await store.thread("thr_1", owner: .ada)?.agent == "other")
    }

    @Test func itemComesBackAsStored() async throws {
        let thread = try await fixture.makeThread()
        var item = StoredItem.sample("itm_1", in: thread, hidden: true, json: "")
        item.hostJSON = []
        try await store.write([.insertItem(item, owner: .ada)])
        #expect(try await store.item("itm_1", thread: thread, owner: .ada) == item)
        #expect(try await store.item("itm_2", thread: thread, owner: .ada) == nil)
        await #expect(throws: StoreError.exists) { try await store.write([.insertItem(item, owner: .ada)]) }
    }

    @Test func anItemIsReplacedOnlyAsItWasRead() async throws {
        let thread = try await fixture.makeThread()
        let item = StoredItem.sample("itm_1", in: thread, json: "1")
        try await store.write([
            .insertItem(item, owner: .ada), .insertItem(.sample("itm_2", in: thread, json: "x"), owner: .ada),
        ])
        var changed = item
        changed.json = Array("2".utf8)
        changed.createdAt = Timestamp(microseconds: 0)
        try await store.write([.replaceItem(changed, expecting: item.json, owner: .ada)])
        let found = try #require(try await store.item("itm_1", thread: thread, owner: .ada))
        #expect(found.json == changed.json && found.createdAt == item.createdAt)
        let order = try await store.history(thread: thread, owner: .ada, limit: 9).map(\.id)
        #expect(order == ["itm_1", "itm_2"], "its place is kept")
        await #expect(throws: StoreError.conflict) {
            try await store.write([.replaceItem(changed, expecting: item.json, owner: .ada)])
        }
        for (id, owner) in [("itm_none", OwnerKey.ada), ("itm_1", OwnerKey("h:bob"))] {
            var other = changed
            other.id = id
            await #expect(throws: StoreError.itemNotFound) {
                try await store.write([.replaceItem(other, expecting: changed.json, owner: owner)])
            }
        }
    }

    @Test func itemsOfATypeAndHiddenOnes() async throws {
        let thread = try await fixture.makeThread()
        let other = try await fixture.makeThread()
        for number in 0..<6 {
            var item = StoredItem.sample("itm_\(number)", in: number == 5 ? other : thread, hidden: number == 2)
            item.type = number % 2 == 0 ? "even" : "odd"
            try await store.write([.insertItem(item, owner: .ada)])
        }
        #expect(
            try await store.items(ofType: "even", thread: thread, owner: .ada).map(\.id) == ["itm_0", "itm_2", "itm_4"])
        #expect(try await store.items(ofType: "none", thread: thread, owner: .ada).isEmpty)
        await #expect(throws: StoreError.threadNotFound) {
            try await store.items(ofType: "even", thread: thread, owner: OwnerKey("h:bob"))
        }
        let page = PageRequest(limit: 2, order: .ascending, after: "itm_0")
        #expect(
            try await store.items(thread: thread, owner: .ada, page: page, includingHidden: true).elements.map(\.id)
                == ["itm_1", "itm_2"])
        #expect(
            try await store.items(thread: thread, owner: .ada, page: page, includingHidden: false).elements.map(\.id)
                == ["itm_1", "itm_3"])
    }

    @Test func sameItemIdInTwoThreadsIsTwoItems() async throws {
        let (one, two) = (try await fixture.makeThread(), try await fixture.makeThread())
        try await store.write([
            .insertItem(.sample("itm", in: one, json: "1"), owner: .ada),
            .insertItem(.sample("itm", in: two, json: "2"), owner: .ada),
        ])
        #expect(try await store.item("itm", thread: one, owner: .ada)?.json == Array("1".utf8))
        #expect(try await store.item("itm", thread: two, owner: .ada)?.json == Array("2".utf8))
    }

    @Test func failingBatchLeavesNothing() async throws {
        let thread = try await fixture.makeThread()
        await #expect(throws: StoreError.threadNotFound) {
            try await store.write([
                .insertItem(.sample("itm_1", in: thread), owner: .ada), .openTurn(.sample("trn", in: thread)),
                .updateThread(id: thread, owner: .ada, json: []),
                .insertItem(.sample("itm_2", in: "thr_missing"), owner: .ada),
            ])
        }
        #expect(try await store.item("itm_1", thread: thread, owner: .ada) == nil)
        #expect(try await store.thread(thread, owner: .ada)?.json == Array("{}".utf8))
        try await store.write([.openTurn(.sample("trn", in: thread))])
    }

    @Test func batchesSubmittedTogetherFailAlone() async throws {
        let thread = try await fixture.makeThread()
        let results = await withTaskGroup(of: (Int, StoreError?).self) { group in
            for index in 0..<200 {
                group.addTask { [store] in
                    // Every third batch fails after having written.
                    let second = index % 3 == 0 ? "thr_missing" : thread
                    do throws(StoreError) {
                        try await store.write([
                            .insertItem(.sample("a\(index)", in: thread), owner: .ada),
                            .insertItem(.sample("b\(index)", in: second), owner: .ada),
                        ])
                        return (index, nil)
                    } catch {
                        return (index, error)
                    }
                }
            }
            return await group.reduce(into: [Int: StoreError]()) { $0[$1.0] = $1.1 }
        }
        let stored = try await store.items(thread: thread, owner: .ada, page: .all).elements.map(\.id)
        #expect(results.count == 67 && results.values.allSatisfy { $0 == .threadNotFound })
        #expect(results.keys.allSatisfy { $0 % 3 == 0 })
        #expect(Set(stored) == Set((0..<200).filter { $0 % 3 != 0 }.flatMap { ["a\($0)", "b\($0)"] }))
    }

    @Test func batchesAreAppliedAndCompletedInTheirOrder() async throws {
        let thread = try await fixture.makeThread()
        let completed = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for index in 0..<500 {
                store.submit([.insertItem(.sample("itm_\(index)", in: thread), owner: .ada)]) { _ in
                    completed.withLock { $0.append(index) }
                    if index == 499 { continuation.resume() }
                }
            }
        }
        #expect(completed.withLock { $0 } == Array(0..<500))
        let stored = try await store.items(thread: thread, owner: .ada, page: .all).elements.map(\.id)
        #expect(stored == (0..<500).map { "itm_\($0)" })
    }

    @Test func upsertKeepsThePlace() async throws {
        let thread = try await fixture.makeThread()
        for id in ["a", "b", "c"] { try await store.write([.upsertItem(.sample(id, in: thread), owner: .ada)]) }
        var changed = StoredItem.sample("b", in: thread, hidden: false, json: "[]")
        changed.type = "assistant_message"
        changed.hostJSON = Array("{}".utf8)
        try await store.write([.upsertItem(changed, owner: .ada)])
        let items = try await store.items(thread: thread, owner: .ada, page: .all).elements
        #expect(items.map(\.id) == ["a", "b", "c"])
        #expect(items[1] == changed)
        await #expect(throws: StoreError.threadNotFound) {
            try await store.write([.upsertItem(.sample("a", in: "thr_missing"), owner: .ada)])
        }
    }

    @Test func deletingItems() async throws {
        let thread = try await fixture.makeThread()
        for id in ["a", "b", "c", "d"] {
            try await store.write([.insertItem(.sample(id, in: thread, hidden: id == "d"), owner: .ada)])
        }
        try await store.write([.deleteItem(id: "a", thread: thread, owner: .ada)])
        try await store.write([.deleteItem(id: "a", thread: thread, owner: .ada)])
        #expect(try await store.history(thread: thread, owner: .ada, limit: 9).map(\.id) == ["b", "c", "d"])
        await #expect(throws: StoreError.itemNotFound) {
            try await store.write([.deleteItemsAfter(id: "a", thread: thread, owner: .ada)])
        }
        try await store.write([.deleteItemsAfter(id: "b", thread: thread, owner: .ada)])
        #expect(try await store.history(thread: thread, owner: .ada, limit: 9).map(\.id) == ["b"])
        // What comes next stands at the end, whatever was deleted before.
        try await store.write([.insertItem(.sample("e", in: thread), owner: .ada)])
        #expect(try await store.history(thread: thread, owner: .ada, limit: 9).map(\.id) == ["b", "e"])
    }

    @Test func deletedThreadTakesEverythingAlong() async throws {
        let thread = try await fixture.makeThread()
        let space = KeySpace(plugin: "p", scope: .thread(thread))
        try await store.write([
            .insertItem(.sample("a", in: thread), owner: .ada), .openTurn(.sample("trn", in: thread)),
        ])
        _ = try await store.write(KeyValueWrite(puts: [("k", [1])]), in: space)
        try await store.write([.deleteThread(id: thread, owner: .ada)])
        try await store.write([.deleteThread(id: thread, owner: .ada)])

        #expect(try await store.thread(thread, owner: .ada) == nil)
        #expect(try await store.item("a", thread: thread, owner: .ada) == nil)
        #expect(try await store.values(["k"], in: space).isEmpty)
        await #expect(throws: StoreError.threadNotFound) {
            try await store.items(thread: thread, owner: .ada, page: .all)
        }
        await #expect(throws: StoreError.threadNotFound) {
            try await store.history(thread: thread, owner: .ada, limit: 1)
        }
        // The turn that still runs.
        await #expect(throws: StoreError.threadNotFound) {
            try await store.write([.insertItem(.sample("b", in: thread), owner: .ada), .closeTurn(id: "trn")])
        }
        await #expect(throws: StoreError.threadNotFound) {
            try await store.write(KeyValueWrite(puts: [("k", [1])]), in: space)
        }
        // Nor does a new thread of the same id find anything.
        _ = try await fixture.makeThread(thread)
        try await store.write([.openTurn(.sample("trn", in: thread))])
        #expect(try await store.history(thread: thread, owner: .ada, limit: 9).isEmpty)
        #expect(try await store.values(["k"], in: space).isEmpty)
    }

    @Test func historyIsTheNewestOldestFirst() async throws {
        let thread = try await fixture.makeThread()
        for index in 0..<10 {
            try await store.write([.insertItem(.sample("\(index)", in: thread, hidden: index % 2 == 0), owner: .ada)])
        }
        #expect(try await store.history(thread: thread, owner: .ada, limit: 3).map(\.id) == ["7", "8", "9"])
        #expect(try await store.history(thread: thread, owner: .ada, limit: 99).count == 10)
        #expect(try await store.history(thread: thread, owner: .ada, limit: 0).isEmpty)
    }

    @Test func secretsAreMadeOnce() async throws {
        let secret = try await store.secret("cookies")
        #expect(secret.count == 32 && Set(secret).count > 1)
        #expect(try await store.secret("cookies") == secret)
        #expect(try await store.secret("uploads") != secret)
        await store.close()
        #expect(try await SQLiteStore(path: fixture.path).secret("cookies") == secret)
    }

    @Test func closedStoreSaysSo() async throws {
        let thread = try await fixture.makeThread()
        try await store.check()
        let late = Mutex<[StoreError?]>([])
        for index in 0..<50 {
            store.submit([.insertItem(.sample("\(index)", in: thread), owner: .ada)]) { result in
                late.withLock { if case .failure(let error) = result { $0.append(error) } }
            }
        }
        await store.close()
        await store.close()
        #expect(late.withLock { $0.isEmpty })
        await #expect(throws: StoreError.closed) { try await store.check() }
        await #expect(throws: StoreError.closed) { try await store.write([.closeTurn(id: "x")]) }
        await #expect(throws: StoreError.closed) { try await store.thread(thread, owner: .ada) }
        let again = try SQLiteStore(path: fixture.path)
        #expect(try await again.history(thread: thread, owner: .ada, limit: 99).count == 50)
    }
}
