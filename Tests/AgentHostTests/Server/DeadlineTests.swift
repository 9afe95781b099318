import Glibc
import Testing

@testable import AgentHost

struct DeadlineTests {
    @Test func headIsDueAtAnAbsoluteTime() async throws {
        try await onThread {
            let server = try TestServer({ $0.headDeadline = 150 }, echo)
            let client = server.connect()
            let begin = monotonicMilliseconds()
            // A byte now and then does not move it.
            let drip = NativeThread(name: "drip") {
                for byte in "GET / HTTP/1.1\r\nX: 1234567890".utf8 {
                    guard client.send([byte]) else { return }
                    usleep(10_000)
                }
            }
            let answer = client.readAll()
            let taken = monotonicMilliseconds() - begin
            #expect(answer.hasPrefix("HTTP/1.1 408 ") && answer.contains("head_timeout"))
            #expect((140...5_000).contains(taken))
            drip.join()
            server.stop()
        }
    }

    @Test(arguments: ["Content-Length: 5", "Transfer-Encoding: chunked"])
    func bodyIsDue(framing: String) async throws {
        try await onThread {
            let server = try TestServer({ $0.bodyDeadline = 150 }, echo)
            let client = server.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n1")
            let answer = client.readAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 ") && answer.contains("body_timeout"))
            server.stop()
        }
    }

    @Test func idleConnectionsAreClosedWithoutAWord() async throws {
        try await onThread {
            let server = try TestServer({ $0.idleDeadline = 150 }, echo)
            let silent = server.connect()
            let client = server.connect()
            #expect(client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
            #expect(client.readAll().isEmpty && silent.readAll().isEmpty)
            #expect(eventually { server.http.connectionCount == 0 })
            server.stop()
        }
    }

    @Test func timeInWhichTheHandlerDoesNotReadIsNotCounted() async throws {
        try await onThread {
            let server = try TestServer({ $0.bodyDeadline = 200 }) { _, body, response in
                try? await Task.sleep(for: .milliseconds(400))
                do throws(HTTPError) {
                    let bytes = try await body.collect(upTo: 1 << 20)
                    response.send(200, [:], Array("\(bytes.count)".utf8))
                } catch {
                    response.send(error)
                }
            }
            let client = server.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n")
            client.send([UInt8](repeating: 120, count: 500_000))
            #expect(client.readResponse().body == "500000")
            server.stop()
        }
    }

    @Test func heapGivesTheEarliestFirst() {
        var heap = DeadlineHeap()
        let deadlines = (0..<200).map { Int64($0 * 7_919 % 1_000) }
        for (index, deadline) in deadlines.enumerated() { heap.insert(deadline, UInt64(index)) }
        var taken: [Int64] = []
        #expect(heap.popDue(-1) == nil)
        while let entry = heap.popDue(1_000) { taken.append(entry.deadline) }
        #expect(taken == deadlines.sorted() && heap.earliest == nil)
    }
}
