import Glibc
import Testing

@testable import AgentHost

struct HTTPServerTests {
    @Test func requestsAreAnsweredOnOneConnection() async throws {
        try await onThread {
            let server = try TestServer({ _ in }, echo)
            let client = server.connect()
            let first = client.exchange(
                "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Request-ID: me\r\n\r\nabc")
            #expect(first.status == 200 && first.body == "POST /a abc")
            #expect(first.head.contains("\r\nX-Request-ID: me") && first.head.contains("\r\nDate: "))
            let second = client.exchange("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(second.body == "GET /b " && second.head.contains("\r\nX-Request-ID: req_"))
            let chunked = client.exchange(
                "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
            #expect(chunked.body == "POST /c abc")
            let access = server.accesses.takeAll()
            #expect(access.first?.status == 200 && access.first?.bytes == 11 && access.first?.request.id == "me")
            let head = client.exchange("GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(head.head.contains("\r\nConnection: close") && client.readAll().isEmpty)
            client.close()
            #expect(server.stop())
        }
    }

    @Test func headHasNoBody() async throws {
        try await onThread {
            let server = try TestServer({ _ in }, echo)
            let client = server.connect()
            client.send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let all = client.readAll()
            #expect(all.contains("Content-Length: 8\r\n") && all.hasSuffix("\r\n\r\n"))
            server.stop()
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderByteByByteToo() async throws {
        try await onThread {
            let server = try TestServer({ _ in }, echo)
            let client = server.connect()
            let text =
                "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na" + "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                + "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"
            client.send(text)
            for expected in ["POST /1 a", "GET /2 ", "POST /3 b"] { #expect(client.readResponse().body == expected) }
            for byte in text.utf8 { client.send([byte]) }
            for expected in ["POST /1 a", "GET /2 ", "POST /3 b"] { #expect(client.readResponse().body == expected) }
            // A client that shuts down its side behind its requests gets its answers.
            client.send(text)
            client.shutdownWrite()
            for expected in ["POST /1 a", "GET /2 ", "POST /3 b"] { #expect(client.readResponse().body == expected) }
            #expect(client.readAll().isEmpty)
            server.stop()
        }
    }

    @Test func brokenRequestsGetTheirStatusAndAreCutOff() async throws {
        try await onThread {
            let server = try TestServer({ _ in }, echo)
            for (text, expected) in refusals {
                let client = server.connect()
                client.send(text)
                let answer = client.readAll()
                let code = expected.dropFirst(4)
                #expect(answer.hasPrefix("HTTP/1.1 \(expected.prefix(3)) ") && answer.contains("\"code\":\"\(code)\""))
                #expect(answer.contains("\r\nConnection: close") && answer.contains("\r\nX-Request-ID: req_"))
            }
            for (text, expected) in chunkRefusals {
                let client = server.connect()
                client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + text)
                let answer = client.readAll()
                #expect(answer.hasPrefix("HTTP/1.1 \(expected.prefix(3)) "), "\(text.debugDescription): \(answer)")
            }
            server.stop()
        }
    }

    @Test func http10IsServedAndClosed() async throws {
        try await onThread {
            let server = try TestServer { request, body, response in
                guard request.path == "/stream" else { return await echo(request, body, response) }
                try? response.stream(200, [:], PushedBody(["one"], finished: true))
            }
            let client = server.connect()
            client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = client.readAll()
            #expect(answer.contains("Connection: close\r\n") && answer.hasSuffix("\r\n\r\nGET /a "))
            let second = server.connect()
            second.send("GET /stream HTTP/1.0\r\n\r\n")
            let stream = second.readAll()
            #expect(!stream.contains("Transfer-Encoding") && stream.hasSuffix("\r\n\r\none"))
            server.stop()
        }
    }

    @Test func streamsAreChunkedAndTheConnectionGoesOn() async throws {
        try await onThread {
            let server = try TestServer { _, _, response in
                let body = PushedBody(["one"])
                try? response.stream(200, ["Content-Type": "text/event-stream"], body)
                _ = NativeThread(name: "test") {
                    body.write("two")
                    body.finish()
                }
            }
            let client = server.connect()
            for _ in 0..<2 {
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = client.read(until: "0\r\n\r\n")
                #expect(
                    answer.contains("Transfer-Encoding: chunked\r\n")
                        && answer.hasSuffix("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"))
            }
            server.stop()
        }
    }

    @Test func responsesMayBeWrittenFromOtherThreads() async throws {
        try await onThread {
            let server = try TestServer { _, body, response in
                await Task.detached {
                    let bytes = (try? await body.collect(upTo: 1 << 20)) ?? []
                    let stream = PushedBody()
                    try? response.stream(200, [:], stream)
                    for _ in 0..<100 { stream.write(bytes) }
                    stream.finish()
                }.value
            }
            let client = server.connect()
            for _ in 0..<3 {
                client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n")
                client.send([UInt8](repeating: 120, count: 4_000))
                let answer = client.read(until: "0\r\n\r\n")
                #expect(answer.utf8.count { $0 == UInt8(ascii: "x") } == 400_000)
            }
            server.stop()
        }
    }

    @Test func handlersRunOnTheirLoopAndComeBackToIt() async throws {
        try await onThread {
            let server = try TestServer { _, body, response in
                let start = pthread_self()
                try? await Task.sleep(for: .milliseconds(1))
                let afterSleep = pthread_self()
                let inChild = await withTaskGroup(of: pthread_t.self) { group in
                    group.addTask { pthread_self() }
                    return await group.next() ?? 0
                }
                let same = start == afterSleep && start == inChild
                response.send(same ? 200 : 500, [:], [])
            }
            #expect(server.connect().exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
            server.stop()
        }
    }

    @Test func misuseIsRefused() async throws {
        try await onThread {
            let server = try TestServer { request, _, response in
                switch request.path {
                case "/nothing": break
                case "/twice":
                    response.send(200, [:], [])
                    response.send(500, [:], [])
                    let stream = PushedBody(["x"])
                    #expect(throws: HTTPError.responseAlreadyBegun) { try response.stream(200, [:], stream) }
                    #expect(stream.taken == 0)
                case "/split": response.send(200, ["X": "a\r\nY: b"], [])
                case "/framing": response.send(200, ["Content-Length": "7"], [])
                default: break
                }
            }
            let client = server.connect()
            let get = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n" }
            #expect(client.exchange(get("/nothing")).body.contains("internal_error"))
            #expect(client.exchange(get("/twice")).status == 200)
            #expect(client.exchange(get("/split")).body.contains("invalid_response_field"))
            #expect(client.exchange(get("/framing")).status == 500)
            server.stop()
        }
    }

    @Test func busyPortIsSaid() throws {
        let server = try TestServer({ _ in }, echo)
        #expect(throws: ServerError.addressInUse(host: "127.0.0.1", port: server.port)) {
            _ = try TestServer({ $0.port = server.port }, echo)
        }
        #expect(throws: ServerError.unknownHost("no such host")) {
            _ = try TestServer({ $0.host = "no such host" }, echo)
        }
        #expect(throws: ServerError.portOutOfRange(70_000)) { _ = try TestServer({ $0.port = 70_000 }, echo) }
        #expect(throws: ServerError.addressNotAvailable(host: "192.0.2.1")) {
            _ = try TestServer({ $0.host = "192.0.2.1" }, echo)
        }
        server.stop()
    }
}
