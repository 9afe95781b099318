import Foundation
import Testing

/// What clients see when a client, a plugin or the server itself dies in the middle.
struct FaultTests {
    static let good = ServerProcess.products.appendingPathComponent("fixtures")

    @Test(arguments: ["crash", "segv", "exit"]) func aPluginThatDiesCostsOnlyItsTurn(word: String) throws {
        let server = try ServerProcess(plugins: [Self.good])
        let client = server.client()
        let other = try client.open("threads.create", ["input": ChatKitClient.input("slow 60")], agent: "echo")
        let broken = try client.create(word, agent: "echo-c")
        #expect(broken.isComplete)
        let error = try #require(broken.events.last)
        #expect(error.type == "error")
        #expect(error.json["allow_retry"] as? Bool == true)
        #expect(other.readToEnd().isComplete)
        #expect(server.isRunning)
        var answer = ""
        for _ in 0..<50 where answer.isEmpty {
            answer = try client.create("hello again", agent: "echo-c").texts.joined()
            if answer.isEmpty { usleep(50_000) }
        }
        #expect(answer.contains("hello again"), "the worker is back")
    }

    @Test(arguments: ["", "*"]) func whatAPluginGetsWrongFailsItsTurnOnly(trusted: String) throws {
        let server = try ServerProcess(plugins: [Self.good], trusted: trusted)
        let client = server.client()
        let failed = try client.create("fail", agent: "echo-c")
        #expect(failed.events.last?.type == "error")
        let malformed = try client.create("badjson", agent: "echo-c")
        #expect(malformed.events.last?.type == "error")
        #expect(try client.create("twice", agent: "echo-c").isComplete)
        #expect(try client.create("garbage", agent: "echo-c").isComplete)
        #expect(try client.create("fine", agent: "echo-c").texts.joined().contains("fine"))
    }

    @Test func partialTextIsKeptUnderTheSameIdWhenTheClientLeaves() throws {
        let server = try ServerProcess(plugins: [Self.good])
        let client = server.client()
        let stream = try client.open("threads.create", ["input": ChatKitClient.input("slow 1000")], agent: "echo-c")
        #expect(stream.readUntil { $0.filter { $0.type == "thread.item.updated" }.count > 5 })
        let thread = try #require((stream.seen.first?.json["thread"] as? [String: Any])?["id"] as? String)
        let shown = try #require(stream.seen.first { $0.type == "thread.item.added" }?.item?["id"] as? String)
        stream.cut()
        var kept: [String: Any]?
        for _ in 0..<100 where kept == nil {
            kept = try client.items(thread).first { $0["id"] as? String == shown }
            usleep(20_000)
        }
        #expect(kept?["type"] as? String == "assistant_message")
        #expect(try client.say("hello", in: thread).isComplete, "the thread stays usable")
    }

    /// What a client has seen is there after kill -9, once and in order; the next message works at once.
    @Test func killedInTheMiddleOfTurns() throws {
        var server = try ServerProcess(plugins: [Self.good])
        let folder = server.folder
        let first = server
        for round in 0..<8 {
            let client = server.client(user: "u")
            let streams = try (0..<4).map { _ in
                try client.open("threads.create", ["input": ChatKitClient.input("slow 200")], agent: "echo-c")
            }
            for stream in streams {
                #expect(stream.readUntil { $0.filter { $0.type == "thread.item.updated" }.count > round * 3 })
            }
            server.stop(SIGKILL)
            let seen = streams.map(\.seen)
            server = try ServerProcess(folder: folder, plugins: [Self.good])
            let again = server.client(user: "u")
            for events in seen {
                let thread = try #require((events.first?.json["thread"] as? [String: Any])?["id"] as? String)
                let items = try again.items(thread)
                let ids = items.compactMap { $0["id"] as? String }
                #expect(Set(ids).count == ids.count)
                let done = events.filter { $0.type == "thread.item.done" }.compactMap { $0.item?["id"] as? String }
                #expect(ids.filter(done.contains) == done)
                #expect(try again.say("hello", in: thread).texts.joined().contains("hello"))
            }
        }
        withExtendedLifetime(first) {}
    }

    @Test(arguments: ["queue", "interrupt", "reject"]) func aMessageThatComesTooEarly(policy: String) throws {
        let server = try ServerProcess(plugins: [Self.good], environment: ["AGENTHOST_TURN_POLICY": policy])
        let client = server.client()
        let first = try client.open("threads.create", ["input": ChatKitClient.input("slow 40")], agent: "echo-c")
        #expect(first.readUntil { $0.filter { $0.type == "thread.item.updated" }.count > 3 })
        let thread = try #require((first.seen.first?.json["thread"] as? [String: Any])?["id"] as? String)
        let second = try client.say("and", in: thread)
        let words = first.readToEnd().texts.joined().split(separator: " ").count
        switch policy {
        case "reject":
            #expect(second.status == 409 && second.code == "thread_busy")
            #expect(words == 40)
            #expect(try client.say("now", in: thread).texts == ["now"])
        case "interrupt":
            #expect(second.texts == ["and"])
            #expect((1..<40).contains(words), "what was shown is kept, the rest never came")
        default:
            #expect(second.texts == ["and"])
            #expect(words == 40)
        }
    }

    @Test func operationsThatAreNotBuiltSaySo() throws {
        let server = try ServerProcess()
        let client = server.client()
        let thread = try #require(try client.create("hi", agent: "echo").threadID)
        let response = try client.call("attachments.create", ["name": "n", "size": 1, "mime_type": "text/plain"])
        #expect(response.status == 501)
        #expect(response.code == "not_implemented")
        let action = try client.call("threads.custom_action", ["thread_id": thread, "action": ["type": "x"]])
        #expect(action.status == 501)
        #expect(action.code == "not_implemented")
        #expect(try client.get("/healthz").body == Data(#"{"status":"ok"}"#.utf8))
    }

    /// Two servers on one database behave as one: when one dies, the other closes what it left open.
    @Test func aServerClosesTheTurnsOfOneThatDied() throws {
        let survivor = try ServerProcess(plugins: [Self.good])
        let other = try ServerProcess(folder: survivor.folder, plugins: [Self.good])
        let stream = try other.client().open(
            "threads.create", ["input": ChatKitClient.input("slow 1000")], agent: "echo-c")
        #expect(stream.readUntil { $0.filter { $0.type == "thread.item.updated" }.count > 80 })
        let thread = try #require((stream.seen.first?.json["thread"] as? [String: Any])?["id"] as? String)
        let shown = try #require(stream.seen.first { $0.type == "thread.item.added" }?.item?["id"] as? String)
        other.stop(SIGKILL)
        var isThere = false
        for _ in 0..<150 where !isThere {
            isThere = try survivor.client().items(thread).contains { $0["id"] as? String == shown }
            if !isThere { usleep(100_000) }
        }
        #expect(isThere, "the text that was checkpointed is kept under the id that was shown")
    }
}
