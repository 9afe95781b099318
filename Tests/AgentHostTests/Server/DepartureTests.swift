import Glibc
import Synchronization
import Testing

@testable import AgentHost

/// Waits until it is cancelled; true when it was.
private func waitForCancellation(_ limit: Duration = .seconds(10)) async -> Bool {
    do {
        try await Task.sleep(for: limit)
        return false
    } catch {
        return true
    }
}

struct DepartureTests {
    enum Leaving: CaseIterable {
        case close, reset, halfClose

        func leave(_ client: TestClient) {
            switch self {
            case .close: client.close()
            case .reset: client.reset()
            case .halfClose: client.shutdownWrite()
            }
        }
    }

    @Test(arguments: Leaving.allCases)
    func handlerIsCancelledWhenTheClientLeaves(_ leaving: Leaving) async throws {
        try await onThread {
            let cancelled = BlockingQueue<Bool>()
            let server = try TestServer({ $0.halfCloseDeadline = 100 }) { _, _, _ in
                cancelled.push(await waitForCancellation())
            }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(eventually { server.http.handlerCount == 1 })
            leaving.leave(client)
            let begin = monotonicMilliseconds()
            #expect(cancelled.takeAll(deadline: begin + 5_000) == [true])
            #expect(eventually { server.http.connectionCount == 0 })
            #expect(server.accesses.takeAll(deadline: begin + 5_000).first?.status == 499)
            server.stop()
        }
    }

    @Test(arguments: Leaving.allCases)
    func sourceOfAStreamIsToldThatTheClientLeft(_ leaving: Leaving) async throws {
        try await onThread {
            let body = PushedBody(["one"])
            let server = try TestServer { _, _, response in try? response.stream(200, [:], body) }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.read(until: "one").contains("one"))
            leaving.leave(client)
            let begin = monotonicMilliseconds()
            #expect(body.ends.takeAll(deadline: begin + 5_000) == [false])
            #expect(eventually { server.http.connectionCount == 0 && server.http.handlerCount == 0 })
            #expect(server.accesses.takeAll(deadline: begin + 5_000).first?.status == 499)
            // What comes later goes nowhere.
            body.write("two")
            body.finish()
            server.stop()
            #expect(body.ends.takeAll(deadline: monotonicMilliseconds()).isEmpty)
        }
    }

    /// The client must not take it for the end.
    @Test func aSourceThatBreaksOffCutsTheConnection() async throws {
        try await onThread {
            let body = PushedBody(["one"])
            let server = try TestServer { _, _, response in try? response.stream(200, [:], body) }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.read(until: "one").contains("one"))
            body.breakOff()
            #expect(!client.readAll().contains("0\r\n\r\n"))
            let begin = monotonicMilliseconds()
            #expect(body.ends.takeAll(deadline: begin + 5_000) == [false])
            #expect(eventually { server.http.connectionCount == 0 && server.http.handlerCount == 0 })
            #expect(server.accesses.takeAll(deadline: begin + 5_000).first?.status == 499)
            server.stop()
        }
    }

    @Test func heartbeatsBreakTheSilenceOnly() async throws {
        try await onThread {
            let body = PushedBody(["one"], heartbeat: 50)
            let server = try TestServer { _, _, response in try? response.stream(200, [:], body) }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let begin = monotonicMilliseconds()
            let silent = client.read(until: "beat\r\n4\r\nbeat")
            #expect(silent.contains("beat\r\n4\r\nbeat"))
            #expect(monotonicMilliseconds() - begin >= 90)
            body.write("two")
            body.finish()
            #expect(client.read(until: "0\r\n\r\n").contains("two"))
            #expect(body.ends.takeAll(deadline: begin + 5_000) == [true])
            server.stop()
        }
    }

    @Test func halfClosedClientGetsAQuickAnswer() async throws {
        try await onThread {
            let server = try TestServer { request, body, response in
                try? await Task.sleep(for: .milliseconds(50))
                await echo(request, body, response)
            }
            let client = server.connect()
            client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            client.shutdownWrite()
            #expect(client.readResponse().body == "GET /a ")
            #expect(client.readAll().isEmpty)
            server.stop()
        }
    }

    @Test func halfClosedClientMayReadALongAnswerSlowly() async throws {
        try await onThread {
            let server = try TestServer({ $0.halfCloseDeadline = 50 }) { _, _, response in
                response.send(200, [:], [UInt8](repeating: 120, count: 8 << 20))
            }
            let client = server.connect(receiveBuffer: 4_096)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            client.shutdownWrite()
            usleep(200_000)
            #expect(client.readAll().utf8.count { $0 == UInt8(ascii: "x") } == 8 << 20)
            server.stop()
        }
    }

    @Test func readerOfABodyIsToldThatTheClientLeft() async throws {
        try await onThread {
            let errors = BlockingQueue<HTTPError>()
            let server = try TestServer { _, body, _ in
                do throws(HTTPError) { _ = try await body.collect(upTo: 100) } catch { errors.push(error) }
            }
            let client = server.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
            #expect(eventually { server.http.handlerCount == 1 })
            client.close()
            #expect(errors.takeAll(deadline: monotonicMilliseconds() + 5_000) == [.clientLeft])
            server.stop()
        }
    }

    /// A client that does not read: little is taken from the source, and after the deadline the client is cut off.
    @Test func slowReaderHoldsUpTheSourceAndIsCutOff() async throws {
        try await onThread {
            let body = PushedBody()
            for _ in 0..<20_000 { body.write([UInt8](repeating: 120, count: 1_000)) }
            let server = try TestServer({ $0.sendDeadline = 500 }) { _, _, response in
                try? response.stream(200, [:], body)
            }
            let client = server.connect(receiveBuffer: 4_096)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let begin = monotonicMilliseconds()
            #expect(body.ends.takeAll(deadline: begin + 8_000) == [false])
            #expect(monotonicMilliseconds() - begin >= 450)
            // The high-water mark, and 128 KiB in the kernel that are not on their way (`cplatform_listen`).
            #expect(body.taken < 1 << 20)
            #expect(eventually { server.http.connectionCount == 0 })
            server.stop()
        }
    }

    @Test func slowReaderGetsEverythingInTheEnd() async throws {
        try await onThread {
            let total = 3_000_000
            let body = PushedBody()
            for _ in 0..<total / 1_000 { body.write([UInt8](repeating: 120, count: 1_000)) }
            body.finish()
            let server = try TestServer { _, _, response in try? response.stream(200, [:], body) }
            let client = server.connect(receiveBuffer: 4_096)
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            usleep(100_000)
            let all = client.readAll()
            #expect(all.utf8.count { $0 == UInt8(ascii: "x") } == total && all.hasSuffix("0\r\n\r\n"))
            server.stop()
        }
    }

    @Test func thousandDeparturesLeaveNothingBehind() async throws {
        try await onThread {
            let ends = BlockingQueue<Bool>()
            let server = try TestServer { request, _, response in
                if request.path == "/stream" {
                    try? response.stream(200, [:], PushedBody(ends: ends))
                } else {
                    _ = await waitForCancellation()
                }
            }
            for round in 0..<10 {
                let clients = (0..<100).map { _ in server.connect() }
                for (index, client) in clients.enumerated() {
                    client.send("GET \(index % 3 == 0 ? "/stream" : "/") HTTP/1.1\r\nHost: h\r\n\r\n")
                }
                for (index, client) in clients.enumerated() where index % 3 == 0 { _ = client.receive() }
                for (index, client) in clients.enumerated() {
                    if (index + round).isMultiple(of: 2) { client.close() } else { client.reset() }
                }
            }
            #expect(eventually(20) { server.http.connectionCount == 0 && server.http.handlerCount == 0 })
            // Each of the streams was heard of, so its source has to be told.
            #expect(ends.takeAll(deadline: monotonicMilliseconds()) == [Bool](repeating: false, count: 340))
            server.stop()
        }
    }
}
