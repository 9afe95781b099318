import Glibc
import Synchronization
import Testing

@testable import AgentHost

struct ShutdownTests {
    @Test func runningRequestsEndAndIdleConnectionsClose() async throws {
        try await onThread {
            let server = try TestServer { _, _, response in
                let body = PushedBody()
                try? response.stream(200, [:], body)
                _ = NativeThread(name: "test") {
                    usleep(300_000)
                    body.write("last")
                    body.finish()
                }
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
                let body = PushedBody()
                try? response.stream(200, [:], body)
                try? await Task.sleep(for: .seconds(20))
                body.write("stopped")
                body.finish()
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

    @Test func streamThatDoesNotEndIsCut() async throws {
        try await onThread {
            let body = PushedBody(["part"])
            let server = try TestServer({ $0.cancelDeadline = 100 }) { _, _, response in
                try? response.stream(200, [:], body)
            }
            let client = server.connect()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = client.read(until: "part")
            #expect(server.stop(drain: 50) == false)
            #expect(!client.readAll().contains("0\r\n\r\n"))
            #expect(body.ends.takeAll() == [false])
        }
    }

    @Test func handlerThatDoesNotHeedItsCancellationLosesItsConnection() async throws {
        try await onThread {
            let release = BlockingQueue<CheckedContinuation<Void, Never>>()
            let server = try TestServer({ $0.cancelDeadline = 100 }) { _, _, response in
                try? response.stream(200, [:], PushedBody())
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
            let server = try TestServer({ $0.loops = 1 }) { request, body, response in
                if request.path == "/wait" { try? await Task.sleep(for: .seconds(20)) }
                await echo(request, body, response)
            }
            // Both ends are in this process: the clients get theirs before the limit falls to three more.
            let clients = (0..<20).map { _ in TestClient() }
            let idle = TestClient()
            let last = TestClient()
            var limit = rlimit(rlim_cur: UInt(last.descriptor) + 4, rlim_max: UInt(last.descriptor) + 4)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            idle.connect(server.port)
            guard idle.exchange(get).status == 200 else { exit(3) }
            for client in clients {
                client.connect(server.port)
                client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            }
            // The idle connection made room, three are being served, the others are told at once.
            guard idle.receive().isEmpty else { exit(4) }
            var refused = 0
            for client in clients {
                var entry = pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0)
                if poll(&entry, 1, 300) > 0 && client.receive().isEmpty { refused += 1 }
            }
            let served = server.http.connectionCount
            guard served <= 4 && refused == clients.count - served && refused > 0 else { exit(5) }
            // With room again all is well.
            clients.forEach { $0.close() }
            let isQuiet = eventually { server.http.connectionCount == 0 }
            last.connect(server.port)
            exit(isQuiet && last.exchange(get).status == 200 ? 0 : 6)
        }
    }
}
