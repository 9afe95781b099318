import Glibc
import Synchronization
import Testing

@testable import AgentHost

struct ShutdownTests {
    @Test func runningRequestsEndAndIdleConnectionsClose() async throws {
        try await onThread {
            let server = try TestServer { _, _, response in
                try? response.beginStream(200, [:])
                try? await Task.sleep(for: .milliseconds(300))
                try? await response.write(Array("last".utf8))
                await response.finish()
            }
            let idle = server.connect()
            let running = server.connect()
            running.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = running.read(until: "\r\n\r\n")
            #expect(eventually { server.http.connectionCount == 2 })
            let port = server.port
            let stopper = NativeThread(name: "stop") { #expect(server.stop(drain: 5_000)) }
            #expect(idle.readAll().isEmpty)
            #expect(running.readAll().hasSuffix("4\r\nlast\r\n0\r\n\r\n"))
            running.close()
            stopper.join()
            let late = TestClient(port)
            #expect(late.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status == 0)
        }
    }

    @Test func handlersAreCancelledWhenTheTimeIsOver() async throws {
        try await onThread {
            let server = try TestServer { _, _, response in
                try? response.beginStream(200, [:])
                try? await Task.sleep(for: .seconds(20))
                try? await response.write(Array("stopped".utf8))
                await response.finish()
            }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = client.read(until: "\r\n\r\n")
            let begin = monotonicMilliseconds()
            let stopper = NativeThread(name: "stop") { #expect(!server.stop(drain: 100)) }
            // It can say so still.
            #expect(client.readAll().contains("stopped"))
            client.close()
            stopper.join()
            #expect(monotonicMilliseconds() - begin < 5_000)
        }
    }

    @Test func handlerThatDoesNotHeedItsCancellationLosesItsConnection() async throws {
        try await onThread {
            let release = BlockingQueue<CheckedContinuation<Void, Never>>()
            let server = try TestServer({ $0.cancelDeadline = 100 }) { _, _, response in
                try? response.beginStream(200, [:])
                await withCheckedContinuation { _ = release.push($0) }
            }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let waiting = release.takeAll()
            #expect(!server.stop(drain: 50))
            #expect(!client.readAll().contains("0\r\n\r\n"))
            waiting.forEach { $0.resume() }
            #expect(eventually { server.http.handlerCount == 0 })
        }
    }

    @Test func connectionsAboveTheLimitAreRefused() async throws {
        try await onThread {
            let server = try TestServer({ $0.maximumConnections = 2 }, echo)
            let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            let first = server.connect()
            let second = server.connect()
            #expect(first.exchange(get).status == 200 && second.exchange(get).status == 200)
            let third = server.connect()
            third.send(get)
            let answer = third.readAll()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("too_many_connections"))
            third.close()
            first.close()
            #expect(eventually { server.http.connectionCount == 1 })
            #expect(server.connect().exchange(get).status == 200)
            server.stop()
        }
    }

    /// In a process of its own, because the limit is the process's.
    @Test func serverSurvivesTheLackOfDescriptors() async {
        await #expect(processExitsWith: .exitCode(0)) {
            var limit = rlimit(rlim_cur: 60, rlim_max: 60)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let server = try TestServer({ _ in }, echo)
            let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            var clients: [TestClient] = []
            // Both ends are in this process: half of the descriptors are the server's.
            for _ in 0..<80 { clients.append(TestClient(server.port)) }
            usleep(200_000)
            let refused = clients.filter { $0.descriptor < 0 }.count
            clients = []
            _ = eventually { server.http.connectionCount == 0 }
            let answered = server.connect().exchange(get).status == 200
            exit(answered && refused > 0 ? 0 : 1)
        }
    }
}
