import Synchronization
import Testing

@testable import AgentHost

/// `ap.host.thread/1`: what a plugin gets to read, and what it does not.
struct ThreadServiceTests {
    private let bench = Bench()

    private func ask(
        _ op: String, _ json: JSON, thread: String, owner: OwnerKey? = ada
    ) async throws -> (status: ServiceFailure.Status, answer: JSON) {
        let manifest = try Manifest(
            parsing: Array(#"{"abi":1,"id":"dev.example.a","name":"a","version":"1.0.0"}"#.utf8))
        let scope = owner.map { WorkScope(owner: $0, threadID: thread) }
        let call = ServiceCall(manifest: manifest, scope: scope, op: op, json: json.encoded, body: [])
        return await withCheckedContinuation { continuation in
            let reply = ServiceReply { event, status, data in
                guard event == ServiceReply.endEvent else { return }
                let answer = (try? JSON.parse(data)) ?? .string(String(decoding: data, as: UTF8.self))
                continuation.resume(returning: (ServiceFailure.Status(rawValue: status), answer))
            }
            _ = ThreadService(store: bench.store).start(call, reply)
        }
    }

    private func makeThread() async throws -> String {
        let reader = try await bench.create("echo")
        _ = await all(reader)
        return reader.threadID
    }

    @Test func aPluginReadsItsThread() async throws {
        let thread = try await makeThread()
        let record = try await ask("get", [:], thread: thread)
        #expect(record.status.rawValue == 0 && record.answer["id"]?.string == thread)
        #expect(record.answer["status"] == ["type": "active"] && record.answer["metadata"] == [:])
        let items = try await ask("items", ["limit": 1000, "order": "asc"], thread: thread)
        #expect(items.answer["data"]?.array?.map { $0["type"] } == ["user_message", "assistant_message"])
        #expect(items.answer["has_more"] == false)
    }

    @Test func nobodyReadsAnotherThread() async throws {
        let thread = try await makeThread()
        #expect(try await ask("items", [:], thread: thread, owner: nil).status == .denied)
        #expect(try await ask("items", [:], thread: "").status == .denied)
        #expect(try await ask("get", [:], thread: thread, owner: OwnerKey("h:bob")).status == .notFound)
        // Which thread is meant is never taken from JSON.
        let other = try await makeThread()
        let items = try await ask("items", ["thread_id": .string(other)], thread: thread)
        #expect(items.answer["data"]?.array?.allSatisfy { $0["thread_id"]?.string == thread } == true)
    }

    @Test(
        arguments: [
            ["limit": 0], ["limit": 1001], ["limit": "x"], ["limit": 1.5], ["order": "up"], ["order": 1], ["after": 1],
        ] as [JSON])
    func whatCannotBeAsked(_ json: JSON) async throws {
        #expect(try await ask("items", json, thread: try await makeThread()).status == .invalid)
    }

    @Test func unknownOperations() async throws {
        #expect(try await ask("erase", [:], thread: try await makeThread()).status == .unsupported)
    }
}
