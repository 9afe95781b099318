import Synchronization
import Testing

@testable import AgentHost

/// The routes of clients that come back, without a socket.
struct ResumeEndpointTests {
    private static let announced = [("X-ChatKit-Resume", "1")]

    private func begin(_ door: Door, user: String? = nil) async throws -> (thread: String, stream: Door.Response) {
        let stream = await door.call(
            "threads.create", ["input": Door.input("a b")], user: user, Self.announced)
        #expect(await eventually { door.engine.state.withLock { $0.active.isEmpty } })
        return (try #require(stream.events?.first?["thread"]?["id"]?.string), stream)
    }

    private func ids(_ response: Door.Response) -> [String] {
        response.text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }

    @Test func everyEventHasItsIdAndCanBeGoneOnFrom() async throws {
        let door = try Door()
        let (thread, stream) = try await begin(door)
        let ids = ids(stream)
        #expect(ids.count == stream.events?.count && Set(ids).count == ids.count && ids.count > 5)
        for (index, id) in ids.enumerated() {
            let path = "/chatkit/threads/\(thread)/events"
            let rest = await door.send("GET", path, [("Last-Event-ID", id)])
            #expect(rest.status == 200 && rest.fields["content-type"] == "text/event-stream")
            #expect(rest.events == stream.events.map { Array($0.dropFirst(index + 1)) })
            #expect(self.ids(rest) == Array(ids.dropFirst(index + 1)))
            #expect(await door.send("GET", "/api\(path)?after=\(id)").body == rest.body)
        }
        #expect(await door.send("GET", "/chatkit/threads/\(thread)/events").body == stream.body)
    }

    @Test func asADocument() async throws {
        let door = try Door()
        let (thread, stream) = try await begin(door)
        let off = [("X-ChatKit-Stream", "off")]
        let document = await door.send("GET", "/chatkit/threads/\(thread)/events", off)
        #expect(document.json["events"]?.array == stream.events)
        let plain = await door.call("threads.create", ["input": Door.input("a")], Self.announced + off)
        #expect(plain.status == 200 && !plain.text.contains("id: "))
    }

    @Test(arguments: ["1 ", "01", "true", "2", ""]) func onlyOneAnnounces(_ value: String) async throws {
        let door = try Door()
        let stream = await door.call("threads.create", ["input": Door.input("a")], [("X-ChatKit-Resume", value)])
        #expect(stream.status == 200 && ids(stream).isEmpty)
    }

    @Test func foreignAndMissingThreadsLookTheSame() async throws {
        let door = try Door()
        let (thread, stream) = try await begin(door, user: "ann")
        let id = try #require(ids(stream).first)
        let missing = await door.send("GET", "/chatkit/threads/thr_none/events")
        #expect(missing.status == 404 && missing.code == "not_found")
        for (method, path) in [
            ("GET", "/chatkit/threads/\(thread)/events"), ("GET", "/chatkit/threads/\(thread)/events?after=\(id)"),
            ("POST", "/chatkit/threads/\(thread)/stop"), ("POST", "/chatkit/threads/thr_none/stop"),
            ("GET", "/chatkit/threads/\(String(repeating: "t", count: 1_000))/events"),
        ] {
            let response = await door.send(method, path, [("X-User-ID", "eve")])
            #expect(response.status == 404 && response.body == missing.body, "\(method) \(path)")
        }
        let own = await door.send("GET", "/chatkit/threads/\(thread)/events", [("X-User-ID", "ann")])
        #expect(own.body == stream.body)
    }

    @Test func gapsAndMalformedCursors() async throws {
        let door = try Door()
        let (thread, stream) = try await begin(door)
        let path = "/chatkit/threads/\(thread)/events"
        let last = try #require(ids(stream).last)
        for cursor in ["turn_none.1", last + "0", last.replacing("turn_", with: "turn_0")] {
            let gap = await door.send("GET", path, [("Last-Event-ID", cursor)])
            #expect(gap.status == 410 && gap.code == "gap", "\(cursor)")
        }
        for headers in [
            [("Last-Event-ID", "")], [("Last-Event-ID", "x")], [("Last-Event-ID", last), ("Last-Event-ID", last)],
        ] {
            let response = await door.send("GET", path, headers)
            #expect(response.status == 400 && response.code == "invalid_request")
        }
        for query in ["after", "after=", "after=x", "after=\(last)&after=\(last)", "after=turn%5F1.1", "&&after=.1"] {
            #expect(await door.send("GET", path + "?" + query).status == 400, "\(query)")
        }
        for query in ["", "other=1", "before=x&&=", "After=x"] {
            #expect(await door.send("GET", path + "?" + query).body == stream.body, "\(query)")
        }
    }

    @Test func nothingToFollowAndNothingToStop() async throws {
        let door = try Door()
        let thread = try #require(await door.create("a").events?.first?["thread"]?["id"]?.string)
        #expect(await eventually { door.engine.state.withLock { $0.active.isEmpty } })
        let nothing = await door.send("GET", "/chatkit/threads/\(thread)/events")
        #expect(nothing.status == 204 && nothing.body.isEmpty)
        for body in ["", "{}", "no JSON"] {
            let stopped = await door.send("POST", "/chatkit/threads/\(thread)/stop", [], Array(body.utf8))
            #expect(stopped.status == 200 && stopped.text == "{}")
        }
    }
}
