import Synchronization
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
        let body = (["type": "threads.create", "params": ["input": Door.input("hi")]] as JSON).encoded
        let content = RequestBody(framing: .length(body.count)) {}
        content.append(body[...])
        content.complete()
        let writer = ResponseWriter(
            ResponseState(version: .http10, omitsBody: false, ownFields: [], highWater: .max),
            canKeepAlive: { false }, changed: {})
        let head = Door.request("POST", "/chatkit", [("X-ChatKit-Agent", "silent")], length: body.count)
        let exchange = Task { [handler] in await handler.handle(head, content, writer) }

        let output = Mutex("")
        let kept = await SilentAgentTests.eventually {
            output.withLock { output in
                output += String(decoding: writer.takeOutput(), as: UTF8.self)
                return output.contains(#""delta":"Well""#) && output.hasSuffix(": ping\n\n: ping\n\n")
            }
        }
        #expect(kept)

        exchange.cancel()
        await exchange.value
        let threads = await door.call("threads.list", [:])
        let thread = try #require(threads.json["data"]?.array?.first?["id"])
        // The partial answer is stored when the turn has been cancelled, a moment after the client has left.
        let stored = await SilentAgentTests.eventually {
            let items = await door.call("items.list", ["thread_id": thread, "order": "asc"]).json["data"]?.array ?? []
            return items.map { $0["type"] } == ["user_message", "assistant_message"]
                && items.last?["content"]?.array?.first?["text"] == "Well"
                && output.withLock { $0.contains(items.last?["id"]?.string ?? "?") }
        }
        #expect(stored)
        // The thread is free again, hidden note and all.
        let again = await door.call("threads.update", ["thread_id": thread, "title": "still here"])
        #expect(again.status == 200)
    }
}
