import Testing

@testable import AgentHost

/// Pages of threads and items against a plain array.
struct PagingTests {
    let fixture: StoreFixture
    var store: SQLiteStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    /// What a page must be, given everything there is in insertion order.
    private func expected(_ all: [(id: String, hidden: Bool)], _ page: PageRequest) -> (ids: [String], more: Bool)? {
        var rest = page.order == .ascending ? all : all.reversed()
        if let after = page.after {
            guard let index = rest.firstIndex(where: { $0.id == after }) else { return nil }
            rest = Array(rest[(index + 1)...])
        }
        let visible = rest.filter { !$0.hidden }.map(\.id)
        return (Array(visible.prefix(page.limit)), visible.count > page.limit)
    }

    @Test(arguments: 1...6)
    func itemsEqualTheModel(_ seed: UInt64) async throws {
        var random = SeededGenerator(state: seed)
        let threads = [try await fixture.makeThread(), try await fixture.makeThread()]
        var model: [[(id: String, hidden: Bool)]] = [[], []]
        for step in 0..<300 {
            let at = Int.random(in: 0...1, using: &random)
            let thread = threads[at]
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let hidden = Int.random(in: 0..<3, using: &random) == 0
                try await store.write([.insertItem(.sample("i\(step)", in: thread, hidden: hidden), owner: .ada)])
                model[at].append(("i\(step)", hidden))
            case 5:
                guard let victim = model[at].randomElement(using: &random) else { break }
                try await store.write([.deleteItem(id: victim.id, thread: thread, owner: .ada)])
                model[at].removeAll { $0.id == victim.id }
            case 6 where step % 8 == 0:
                guard let index = model[at].indices.randomElement(using: &random) else { break }
                try await store.write([.deleteItemsAfter(id: model[at][index].id, thread: thread, owner: .ada)])
                model[at].removeLast(model[at].count - index - 1)
            default:
                let page = PageRequest(
                    limit: Int.random(in: 1...7, using: &random),
                    order: Bool.random(using: &random) ? .ascending : .descending,
                    after: Bool.random(using: &random) ? "i\(Int.random(in: 0...step, using: &random))" : nil)
                guard let wanted = expected(model[at], page) else {
                    await #expect(throws: StoreError.cursorNotFound) {
                        try await store.items(thread: thread, owner: .ada, page: page)
                    }
                    break
                }
                let got = try await store.items(thread: thread, owner: .ada, page: page)
                #expect(got.elements.map(\.id) == wanted.ids)
                #expect(got.hasMore == wanted.more)
            }
        }
    }

    @Test(arguments: [PageRequest.Order.ascending, .descending])
    func threadsArePagedPerOwnerInCreationOrder(_ order: PageRequest.Order) async throws {
        var mine: [String] = []
        for index in 0..<23 {
            let owner: OwnerKey = index % 3 == 0 ? .eve : .ada
            // Ids in another order than creation; all created at the same time.
            let id = try await fixture.makeThread("thr_\((index * 7) % 23)", owner: owner)
            if owner == .ada { mine.append(id) }
        }
        var seen: [String] = []
        var after: String?
        while true {
            let page = try await store.threads(owner: .ada, page: .first(4, order, after: after))
            seen += page.elements.map(\.id)
            after = page.elements.last?.id
            guard page.hasMore else { break }
            #expect(page.elements.count == 4)
        }
        #expect(seen == (order == .ascending ? mine : mine.reversed()))
        await #expect(throws: StoreError.cursorNotFound) {
            try await store.threads(owner: .eve, page: .first(4, order, after: mine[0]))
        }
    }

    @Test func oddLimits() async throws {
        let thread = try await fixture.makeThread()
        for id in ["a", "b"] { try await store.write([.insertItem(.sample(id, in: thread), owner: .ada)]) }
        #expect(try await store.items(thread: thread, owner: .ada, page: .first(.max)).elements.count == 2)
        #expect(try await store.items(thread: thread, owner: .ada, page: .first(.min)).elements.count == 1)
        #expect(try await store.items(thread: thread, owner: .ada, page: .first(2)).hasMore == false)
    }

    @Test func pagesStayWholeWhileOthersInsert() async throws {
        let thread = try await fixture.makeThread()
        let other = try await fixture.makeThread()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask { [store] in
                    for index in 0..<50 {
                        try await store.write([
                            .insertItem(.sample("w\(writer)-\(index)", in: thread), owner: .ada),
                            .insertItem(.sample("w\(writer)-\(index)", in: other), owner: .ada),
                        ])
                    }
                }
            }
            group.addTask { [store] in
                var after: String?
                var seen: [String] = []
                while seen.count < 200 {
                    let page = try await store.items(thread: thread, owner: .ada, page: .first(7, after: after))
                    seen += page.elements.map(\.id)
                    after = page.elements.last?.id ?? after
                    #expect(page.elements.count == 7 || !page.hasMore)
                    if page.elements.isEmpty { await Task.yield() }
                }
                // Each once, and each writer's in its order.
                #expect(Set(seen).count == 200)
                for writer in 0..<4 {
                    #expect(seen.filter { $0.hasPrefix("w\(writer)-") } == (0..<50).map { "w\(writer)-\($0)" })
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(
        arguments: [
            "EXPLAIN QUERY PLAN SELECT id FROM items INDEXED BY items_in_order WHERE thread = 1 AND seq > 5 AND hidden = 0 ORDER BY seq LIMIT 3",
            "EXPLAIN QUERY PLAN SELECT id FROM items INDEXED BY items_in_order WHERE thread = 1 AND seq < 5 AND hidden = 0 ORDER BY seq DESC LIMIT 3",
            "EXPLAIN QUERY PLAN SELECT id FROM items INDEXED BY items_in_order WHERE thread = 1 ORDER BY seq DESC LIMIT 3",
            "EXPLAIN QUERY PLAN SELECT id FROM threads INDEXED BY threads_in_order WHERE owner = 'a' AND seq > 5 ORDER BY seq LIMIT 3",
            "EXPLAIN QUERY PLAN SELECT id FROM threads INDEXED BY threads_in_order WHERE owner = 'a' AND seq < 5 ORDER BY seq DESC LIMIT 3",
            """
            EXPLAIN QUERY PLAN SELECT key FROM entries WHERE scope = 0 AND scope_id = '' AND plugin = 'p' AND key >= x'01' AND key < x'02'
            ORDER BY key LIMIT 3
            """,
        ] as [StaticString])
    func pageIsOneRangeOfAnIndex(_ query: StaticString) throws {
        let connection = try Connection(path: fixture.path, mode: .read)
        let plan = try connection.all(query) { $0.text(3) }
        #expect(plan.count == 1)
        #expect(
            plan.allSatisfy { $0.contains("SEARCH") && $0.contains("INDEX") && !$0.contains("TEMP B-TREE") }, "\(plan)")
        // Not the owner's or thread's whole range either, where the page starts at a cursor.
        if "\(query)".contains("seq >") || "\(query)".contains("seq <") {
            #expect(plan.allSatisfy { $0.contains("rowid>?") || $0.contains("rowid<?") }, "\(plan)")
        }
    }
}

/// A small repeatable generator (splitmix64, Steele, Lea and Flood 2014).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
