import Foundation
import Synchronization
import Testing

#if TSAN_LOCKS
    @testable import AgentHost
#endif

/// Lists that are read page by page while others write: nothing is lost, nothing comes twice, no page is short.
struct PagingTests {
    struct Fault: Error { var what: String }

    /// Throws where `#expect` would not know its test: on threads.
    private static func demand(_ condition: Bool, _ what: String) throws {
        if !condition { throw Fault(what: what) }
    }

    /// Reads a whole list in pages of `limit`; records what is wrong with a page.
    private static func read(_ client: ChatKitClient, _ op: String, _ params: [String: Any], limit: Int) throws
        -> [[String: Any]]
    {
        var elements: [[String: Any]] = []
        var after: String?
        while true {
            var params = params
            params["limit"] = limit
            params["after"] = after
            let page = try client.call(op, params).json
            guard let data = page["data"] as? [[String: Any]] else { throw Fault(what: "no page: \(page)") }
            elements += data
            guard page["has_more"] as? Bool == true else {
                try demand(page["after"] == nil, "a cursor behind the end")
                return elements
            }
            try demand(data.count == limit, "a page is short")
            try demand(page["after"] as? String == data.last?["id"] as? String, "the cursor is one the client has seen")
            after = page["after"] as? String
        }
    }

    private static func ids(_ elements: [[String: Any]]) -> [String] { elements.compactMap { $0["id"] as? String } }

    /// Runs the bodies at once, each on a thread of its own, as they wait for sockets; throws the first error.
    private static func atOnce(_ bodies: [@Sendable () throws -> Void]) async throws {
        let results = AsyncStream<Result<Void, any Error>> { results in
            for body in bodies { Thread.detachNewThread { results.yield(Result { try body() }) } }
        }
        var left = bodies.count
        for await result in results {
            try result.get()
            left -= 1
            if left == 0 { return }
        }
    }

    @Test(.timeLimit(.minutes(2))) func itemsUnderConcurrentInserts() async throws {
        let server = try ServerProcess(plugins: [FaultTests.good])
        let client = server.client(user: "pager")
        let port = server.port
        // Two hidden items for each answer.
        let script =
            #"@script [["emit",9,"hidden_context",{"content":"x"}],["text",1,"a"],["done",1],["emit",8,"hidden_context",{"content":"y"}]]"#
        let thread = try #require(try client.create(script, agent: "script-c").threadID)
        for _ in 0..<4 { _ = try client.say(script, in: thread) }
        let before = Self.ids(try client.items(thread))
        let isOver = Atomic(false)
        let said = Mutex<[String]>([])
        let writer: @Sendable () throws -> Void = {
            defer { isOver.store(true, ordering: .relaxed) }
            let client = ChatKitClient(port: port, user: "pager")
            for _ in 0..<20 {
                let response = try client.say(script, in: thread)
                try Self.demand(response.isComplete, "a stream was cut")
                let shown = response.events.filter { $0.type == "thread.item.done" }.compactMap {
                    $0.item?["id"] as? String
                }
                said.withLock { $0 += shown }
            }
        }
        let readers = [("asc", 3), ("desc", 3), ("asc", 1), ("desc", 7)].map {
            order, limit -> @Sendable () throws -> Void in
            {
                let client = ChatKitClient(port: port, user: "pager")
                var rounds = 0
                repeat {
                    let known = said.withLock { $0 }
                    let list = try Self.read(client, "items.list", ["thread_id": thread, "order": order], limit: limit)
                    let ids = Self.ids(list)
                    try Self.demand(Set(ids).count == ids.count, "something came twice")
                    try Self.demand(Set(ids).isSuperset(of: before + known), "something that was shown is missing")
                    let hidden = list.filter { ($0["type"] as? String)?.contains("hidden") == true }
                    try Self.demand(hidden.isEmpty, "a hidden item is shown")
                    let old = ids.filter(before.contains)
                    try Self.demand(old == (order == "asc" ? before : before.reversed()), "the order changed")
                    rounds += 1
                } while !isOver.load(ordering: .relaxed)
                try Self.demand(rounds > 1, "nobody wrote meanwhile")
            }
        }
        try await Self.atOnce([writer] + readers)
        let all = Self.ids(try Self.read(client, "items.list", ["thread_id": thread, "order": "asc"], limit: 10))
        #expect(all == before + said.withLock { $0 })
        #expect(
            all
                == Self.ids(try Self.read(client, "items.list", ["thread_id": thread, "order": "desc"], limit: 9))
                .reversed())
    }

    @Test(.timeLimit(.minutes(2))) func threadsUnderConcurrentInserts() async throws {
        let server = try ServerProcess()
        let port = server.port
        let made = Mutex<[String]>([])
        let writing = Atomic(4)
        let writers = (0..<4).map { _ -> @Sendable () throws -> Void in
            {
                defer { writing.subtract(1, ordering: .relaxed) }
                for _ in 0..<15 {
                    let id = try ChatKitClient(port: port, user: "pager").create("x", agent: "echo").threadID
                    made.withLock { $0.append(id ?? "none") }
                }
            }
        }
        let readers = [("asc", 4), ("desc", 5)].map { order, limit -> @Sendable () throws -> Void in
            {
                repeat {
                    let known = made.withLock { $0 }
                    let ids = Self.ids(
                        try Self.read(
                            ChatKitClient(port: port, user: "pager"), "threads.list", ["order": order], limit: limit))
                    try Self.demand(Set(ids).count == ids.count, "something came twice")
                    try Self.demand(Set(ids).isSuperset(of: known), "a thread is missing")
                } while writing.load(ordering: .relaxed) > 0
            }
        }
        try await Self.atOnce(writers + readers)
        let client = server.client(user: "pager")
        let all = try Self.read(client, "threads.list", ["order": "asc"], limit: 7)
        #expect(Self.ids(all).count == 60)
        #expect(Set(Self.ids(all)) == Set(made.withLock { $0 }))
        for thread in all {
            // The time and 96 random bits; UTC.
            #expect((thread["id"] as? String)?.wholeMatch(of: /thr_[0-9a-f]{12}[0-9a-f]{24}/) != nil)
            #expect(
                (thread["created_at"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z/) != nil)
        }
        withExtendedLifetime(server) {}
    }
}
