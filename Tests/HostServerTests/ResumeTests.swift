import Foundation
import Testing

/// Clients that lose their stream and come back to the turn, at a real server.
struct ResumeTests {
    private static let fixtures = ServerProcess.products.appendingPathComponent("fixtures")

    private func thread(_ events: [ChatKitClient.Event]) throws -> String {
        try #require((events.first?.json["thread"] as? [String: Any])?["id"] as? String)
    }

    private func deltas(_ events: [ChatKitClient.Event]) -> String {
        events.compactMap { ($0.json["update"] as? [String: Any])?["delta"] as? String }.joined()
    }

    /// The numbers of the events, which must all be of one turn.
    private func numbers(_ events: [ChatKitClient.Event]) throws -> [Int] {
        let ids = try events.map { try #require($0.id).split(separator: ".") }
        #expect(Set(ids.map { $0[0] }).count <= 1)
        return try ids.map { try #require(Int($0[1])) }
    }

    /// Events as they are compared: whole.
    private func documents(_ events: [ChatKitClient.Event]) -> NSArray { NSArray(array: events.map(\.json)) }

    /// Reads a turn in pieces: again and again the connection is cut, at any byte, and the client comes back.
    @Test(arguments: ["", "*"]) func nothingIsLostOrRepeated(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.fixtures], trusted: trusted)
        let client = server.client(user: "ann")
        var stream = try client.createResumable("slow 60", agent: "echo-c")
        #expect(stream.readUntil { $0.count > 5 })
        let thread = try thread(stream.seen)
        var events = stream.seen
        var rounds = 0
        while events.last?.type != "thread.item.done" || rounds == 0 {
            stream.cut()
            stream = try client.resume(thread, after: events.last?.id)
            rounds += 1
            let isOpen = stream.readUntil { $0.count > rounds % 5 }
            events += stream.seen
            if !isOpen { break }
            try #require(rounds < 200)
        }
        #expect(rounds > 5)
        #expect(try numbers(events) == Array(1...events.count))
        #expect(deltas(events).split(separator: " ").count == 60)
        // What a reader gets who asks for it all is the same.
        let whole = try client.resume(thread).readToEnd()
        #expect(whole.status == 200 && whole.isComplete)
        #expect(whole.fields["content-type"] == "text/event-stream")
        #expect(documents(whole.events) == documents(events))
        let items = try client.items(thread)
        #expect(items.map { $0["type"] as? String } == ["user_message", "assistant_message"])
        #expect(items.last?["id"] as? String == events.last?.item?["id"] as? String)
    }

    @Test(arguments: ["", "*"]) func severalFollowOneTurn(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.fixtures], trusted: trusted)
        let client = server.client()
        let first = try client.createResumable("slow 40", agent: "echo-c")
        #expect(first.readUntil { $0.count > 10 })
        let thread = try thread(first.seen)
        let second = try client.resume(thread)
        let third = try client.resume(thread, after: first.seen[6].id)
        let all = first.readToEnd()
        #expect(all.isComplete && deltas(all.events).split(separator: " ").count == 40)
        #expect(documents(second.readToEnd().events) == documents(all.events))
        let rest = third.readToEnd()
        #expect(rest.isComplete && documents(rest.events) == documents(Array(all.events.dropFirst(7))))
    }

    @Test func afterTheEndAndAfterARestart() throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let client = server.client()
        let events = try client.createResumable("hello you", agent: "echo-c").readToEnd().events
        let thread = try thread(events)
        let after = try client.resume(thread, after: events[2].id).readToEnd()
        #expect(documents(after.events) == documents(Array(events.dropFirst(3))))
        let caughtUp = try client.resume(thread, after: events.last?.id).readToEnd()
        #expect(caughtUp.status == 200 && caughtUp.isComplete && caughtUp.body.isEmpty)
        let query = try client.open(
            "GET", "/api/chatkit/threads/\(thread)/events?x=1&after=\(try #require(events[2].id))", Data()
        ).readToEnd()
        #expect(query.body == after.body)
        let both = try client.open(
            "GET", "/chatkit/threads/\(thread)/events?after=none", Data(),
            fields: ["Last-Event-ID": try #require(events[2].id)]
        ).readToEnd()
        #expect(both.body == after.body, "the header wins")
        server.stop()
        let again = try ServerProcess(folder: server.folder, plugins: [Self.fixtures])
        let gap = try again.client().resume(thread, after: events[2].id).readToEnd()
        #expect(gap.status == 410 && gap.code == "gap")
        #expect((gap.json["error"] as? String)?.contains("load the thread again") == true)
        #expect(try again.client().resume(thread).readToEnd().status == 204)
        #expect(try again.client().say("more", in: thread).isComplete)
    }

    /// Another host on the same database knows the thread, but not what is said in it now.
    @Test func anotherHostHasAGap() throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let other = try ServerProcess(folder: server.folder, plugins: [Self.fixtures])
        let stream = try server.client().createResumable("slow 40", agent: "echo-c")
        #expect(stream.readUntil { $0.count > 6 })
        let thread = try thread(stream.seen)
        #expect(try other.client().resume(thread, after: stream.seen[2].id).readToEnd().code == "gap")
        #expect(try other.client().stop(thread).status == 200)
        #expect(deltas(stream.readToEnd().events).split(separator: " ").count == 40)
    }

    @Test(arguments: ["", "*"]) func stopKeepsWhatWasShown(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.fixtures], trusted: trusted)
        let client = server.client()
        let stream = try client.createResumable("slow 1000", agent: "echo-c")
        #expect(stream.readUntil { $0.filter { $0.type == "thread.item.updated" }.count > 5 })
        let thread = try thread(stream.seen)
        let stopped = try client.stop(thread)
        #expect(stopped.status == 200 && stopped.body == Data("{}".utf8))
        let response = stream.readToEnd()
        #expect(response.isComplete && response.events.last?.type == "thread.item.done")
        #expect((5..<1_000).contains(response.texts[0].split(separator: " ").count))
        #expect(response.texts == [deltas(response.events)])
        let kept = try client.items(thread).last
        #expect(kept?["id"] as? String == response.events.last?.item?["id"] as? String)
        #expect(try client.stop(thread).body == Data("{}".utf8), "also when nothing runs")
        #expect(try client.say("hello", in: thread).texts == ["hello"])
    }

    @Test func plainClientsSeeThePlainProtocol() throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let client = server.client()
        for fields in [[:], ["X-ChatKit-Resume": "0"], ["X-ChatKit-Resume": ""], ["Last-Event-ID": "turn_1.5"]] {
            let response = try client.open(
                "threads.create", ["input": ChatKitClient.input("a b")], agent: "echo-c", fields: fields
            ).readToEnd()
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(response.isComplete && !response.events.isEmpty)
            #expect(text.components(separatedBy: "\n\n").dropLast().allSatisfy { $0.hasPrefix("data: ") })
            let later = try client.resume(try thread(response.events)).readToEnd()
            #expect(later.status == 204 && later.body.isEmpty, "nothing is kept")
        }
        let stream = try client.open("threads.create", ["input": ChatKitClient.input("slow 1000")], agent: "echo-c")
        #expect(stream.readUntil { $0.filter { $0.type == "thread.item.updated" }.count > 5 })
        stream.cut()
        #expect(server.waitForLog(#""outcome":"cancelled""#), "its leaving is its stop button")
    }

    @Test func othersAreToldNothing() throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let stream = try server.client(user: "ann").createResumable("slow 50", agent: "echo-c")
        #expect(stream.readUntil { $0.count > 6 })
        let thread = try thread(stream.seen)
        let eve = server.client(user: "eve")
        let missing = try eve.resume("thr_none").readToEnd()
        #expect(missing.status == 404 && missing.code == "not_found")
        for foreign in [
            try eve.resume(thread).readToEnd(), try eve.resume(thread, after: stream.seen[1].id).readToEnd(),
            try eve.stop(thread), try eve.stop("thr_none"),
            try eve.resume(String(repeating: "x", count: 5_000)).readToEnd(), try eve.resume("%00").readToEnd(),
        ] {
            #expect(foreign.status == 404 && foreign.body == missing.body)
        }
        let bad = try eve.resume(thread, fields: ["Authorization": "Bearer nope"]).readToEnd()
        #expect(bad.status == 401)
        #expect(deltas(stream.readToEnd().events).split(separator: " ").count == 50)
    }

    @Test(arguments: [
        "", "x", ".", "turn_1", "turn_1.", ".1", "turn_1.-1", "turn_1.1.x", "turn_1.99999999999999999999", "turn_1.1 2",
        "\u{e9}.1", "turn_1.1,turn_1.2", "<script>.1", String(repeating: "9", count: 7_000),
    ]) func hostileCursors(_ cursor: String) throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let client = server.client()
        let thread = try thread(try client.createResumable("hi", agent: "echo-c").readToEnd().events)
        let response = try client.resume(thread, after: cursor).readToEnd()
        #expect(response.status == 400 && response.code == "invalid_request")
        let unknown = try client.resume(thread, after: "turn_ffffffffffffffffffffffff.1").readToEnd()
        #expect(unknown.status == 410 && unknown.code == "gap")
        let twice = try client.open("GET", "/chatkit/threads/\(thread)/events?after=a.1&after=a.2", Data()).readToEnd()
        #expect(twice.status == 400 && twice.code == "invalid_request")
        let wrong = try client.open("POST", "/chatkit/threads/\(thread)/events", Data()).readToEnd()
        #expect(wrong.status == 405 && wrong.fields["allow"] == "GET, HEAD, OPTIONS")
    }

    @Test func heartbeatsAndBrowsersAreServed() throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let asked = [
            "Origin": "https://page.example", "Access-Control-Request-Headers": "x-chatkit-resume,last-event-id",
        ]
        for path in ["/chatkit", "/chatkit/threads/thr_1/events", "/api/chatkit/threads/thr_1/stop"] {
            let answer = try server.client().open("OPTIONS", path, Data(), fields: asked).readToEnd()
            #expect(answer.status == 204)
            #expect(answer.fields["access-control-allow-headers"] == asked["Access-Control-Request-Headers"])
            #expect(answer.fields["access-control-allow-methods"]?.hasPrefix("GET,POST,") == true)
        }
        let stream = try server.client().createResumable("hang", agent: "echo-c")
        #expect(stream.readUntil { $0.count >= 3 })
        let follower = try server.client().resume(try thread(stream.seen))
        #expect(follower.readUntil(text: ": ping\n\n"), "15 seconds of silence")
    }
}
