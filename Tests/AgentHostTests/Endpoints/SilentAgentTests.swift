import Testing

@testable import AgentHost

/// What a client sees, and leaves behind, when an agent takes its time.
struct SilentAgentTests {
    /// Says one word, then nothing until it is cancelled.
    private final class Silent: AgentProvider {
        private final class Turn: AgentTurn {
            let output: any AgentOutput
            init(_ output: any AgentOutput) { self.output = output }
            func consumed(_ bytes: Int) {}
            func cancel(_ reason: CancelReason) { output.finish(.success(())) }
        }
        func begin(_ request: AgentTurnRequest, output: any AgentOutput) -> any AgentTurn {
            output.text(item: 1, "Well")
            return Turn(output)
        }
    }

    private func door() throws -> Door {
        let door = try Door()
        let descriptor = AgentDescriptor(id: "silent", title: "Silent", plugin: "test", kind: .coded)
        _ = door.registry.register(
            plugin: "test", agents: [.init(descriptor: descriptor, provider: Silent())], tools: [], models: [])
        return door
    }

    private static func eventually(_ condition: () async -> Bool) async -> Bool {
        for _ in 0..<2_000 {
            if await condition() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    @Test func theStreamIsKeptAliveAndTheShownTextOutlivesTheClient() async throws {
        let door = try door()
        var handler = door.handler
        handler.heartbeat = 10
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(configuration: configuration, handler: handler, log: .silent)
        try server.start()
        let shown = try await onThread {
            let body = (["type": "threads.create", "params": ["input": Door.input("hi")]] as JSON).text
            let client = TestClient(server.port)
            client.send(
                "POST /chatkit HTTP/1.1\r\nHost: h\r\nX-ChatKit-Agent: silent\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                    + body)
            let text = client.read(until: #""delta":"Well""#)
            // Two in a row: nothing but comments while the agent is silent.
            let comments = client.read(until: ": ping\n\n\r\n8\r\n: ping\n\n")
            #expect(!comments.contains("data:"))
            client.close()
            return text
        }
        let threads = await door.call("threads.list", [:])
        let thread = try #require(threads.json["data"]?.array?.first?["id"])
        // The partial answer is stored when the turn has been cancelled, a moment after the client has left.
        let stored = await SilentAgentTests.eventually {
            let items = await door.call("items.list", ["thread_id": thread, "order": "asc"]).json["data"]?.array ?? []
            return items.map { $0["type"] } == ["user_message", "assistant_message"]
                && items.last?["content"]?.array?.first?["text"] == "Well"
                && shown.contains(items.last?["id"]?.string ?? "?")
        }
        #expect(stored)
        // The thread is free again, hidden note and all.
        let again = await door.call("threads.update", ["thread_id": thread, "title": "still here"])
        #expect(again.status == 200)
        try await onThread { _ = server.shutdown(drainMilliseconds: 0) }
    }
}
