import Testing

@testable import AgentHost

/// A foreign thing is answered exactly like a missing one, by every operation.
struct OwnerTests {
    let fixture: StoreFixture
    var store: SQLiteStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func foreignIsMissing() async throws {
        let mine = try await fixture.makeThread(owner: .ada)
        try await store.write([.insertItem(.sample("itm", in: mine), owner: .ada)])

        for thread in [mine, "thr_missing"] {
            #expect(try await store.thread(thread, owner: .eve) == nil)
            #expect(try await store.item("itm", thread: thread, owner: .eve) == nil)
            await #expect(throws: StoreError.threadNotFound) {
                try await store.items(thread: thread, owner: .eve, page: .all)
            }
            await #expect(throws: StoreError.threadNotFound) {
                try await store.items(thread: thread, owner: .eve, page: .first(1, after: "itm"))
            }
            await #expect(throws: StoreError.threadNotFound) {
                try await store.history(thread: thread, owner: .eve, limit: 1)
            }
            await #expect(throws: StoreError.cursorNotFound) {
                try await store.threads(owner: .eve, page: .first(1, after: thread))
            }
            let refused: [(StoreOperation, StoreError)] = [
                (.updateThread(id: thread, owner: .eve, json: [1]), .threadNotFound),
                (.insertItem(.sample("new", in: thread), owner: .eve), .threadNotFound),
                (.upsertItem(.sample("itm", in: thread, json: "eve"), owner: .eve), .threadNotFound),
                (.deleteItemsAfter(id: "itm", thread: thread, owner: .eve), .itemNotFound),
                (.openTurn(.sample("trn", in: thread, owner: .eve)), .threadNotFound),
            ]
            for (operation, error) in refused {
                await #expect(throws: error, "\(operation)") { try await store.write([operation]) }
            }
            try await store.write([
                .deleteItem(id: "itm", thread: thread, owner: .eve), .deleteThread(id: thread, owner: .eve),
            ])
        }
        #expect(try await store.threads(owner: .eve, page: .all).elements.isEmpty)

        // And nothing has changed.
        #expect(try await store.thread(mine, owner: .ada) == .sample(mine))
        #expect(try await store.history(thread: mine, owner: .ada, limit: 9) == [.sample("itm", in: mine)])
        try await store.write([.openTurn(.sample("trn", in: mine))])
    }

    @Test func leaseOfAForeignThreadIsNoOracle() async throws {
        let mine = try await fixture.makeThread(owner: .ada)
        try await store.write([.openTurn(.sample("trn", in: mine))])
        await #expect(throws: StoreError.threadNotFound) {
            try await store.write([.openTurn(.sample("other", in: mine, owner: .eve))])
        }
    }

    @Test func keysOfUsersPluginsAndThreadsDoNotMeet() async throws {
        let thread = try await fixture.makeThread("h:ada")
        let spaces = [
            KeySpace(plugin: "p", scope: .plugin), KeySpace(plugin: "q", scope: .plugin),
            KeySpace(plugin: "p", scope: .user(.ada)), KeySpace(plugin: "p", scope: .user(.eve)),
            KeySpace(plugin: "p", scope: .thread(thread)), KeySpace(plugin: "", scope: .user(.ada)),
        ]
        for (index, space) in spaces.enumerated() {
            _ = try await store.write(KeyValueWrite(conditions: [("k", nil)], puts: [("k", [UInt8(index)])]), in: space)
        }
        for (index, space) in spaces.enumerated() {
            #expect(try await store.values(["k"], in: space).map(\.value) == [[UInt8(index)]])
            #expect(try await store.list(prefix: "", after: nil, limit: 9, in: space).map(\.value) == [[UInt8(index)]])
        }
        _ = try await store.write(KeyValueWrite(deletes: ["k"]), in: spaces[0])
        for space in spaces[1...] { #expect(try await store.values(["k"], in: space).count == 1) }
    }
}
