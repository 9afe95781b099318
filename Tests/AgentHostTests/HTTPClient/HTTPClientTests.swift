import Synchronization
import Testing

@testable import AgentHost

/// Requests to a server that behaves, and to many that do not.
struct HTTPClientTests {
    /// Sends one request and waits for its end, on a thread that may block.
    private func ask(
        _ change: @escaping @Sendable (inout UpstreamRequest) -> Void = { _ in },
        handler: CollectingHandler = CollectingHandler(),
        _ script: @escaping @Sendable (ScriptedServer.Connection) -> Void
    ) async throws -> CollectingHandler.Answer {
        try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer(script)
            defer {
                server.stop()
                client.close()
            }
            var request = UpstreamRequest(url: server.url("/v1/x?y=z"))
            change(&request)
            client.send(request, handler)
            return handler.wait()
        }
    }

    @Test func requestAndAnswerAreWhole() async throws {
        let answer = try await ask({
            $0.fields = ["Authorization": "Bearer k", "X-Empty": ""]
            $0.body = Array("{\"a\":\"é\\u0000\"}".utf8)
        }) { connection in
            let request = connection.request() ?? ""
            connection.send(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nX-A:  b \r\nContent-Type: Text/Plain; charset=x\r\n")
            connection.send("Content-Length: \(request.utf8.count)\r\n\r\n" + request)
        }
        #expect(answer.failure == nil && answer.ends == 1)
        #expect(answer.head?.status == 201)
        #expect(answer.head?.fields["x-a"] == "b")
        #expect(answer.head?.mediaType == "text/plain")
        #expect(answer.text.hasPrefix("POST /v1/x?y=z HTTP/1.1\r\n"))
        #expect(answer.text.contains("Authorization: Bearer k\r\n"))
        #expect(answer.text.contains("X-Empty:\r\n"))
        #expect(answer.text.hasSuffix("\r\n\r\n{\"a\":\"é\\u0000\"}"))
        #expect(!answer.text.lowercased().contains("expect:"))
    }

    @Test func piecesComeWhenTheyAreSent() async throws {
        try await onThread {
            let client = HTTPClient()
            let gate = BlockingQueue<Int>()
            let server = ScriptedServer { connection in
                _ = connection.request()
                connection.send(ScriptedServer.streamHead)
                connection.chunk("one")
                _ = gate.takeAll()
                connection.chunk("two")
                connection.send("0\r\n\r\n")
            }
            let handler = CollectingHandler()
            client.send(UpstreamRequest(url: server.url()), handler)
            var seen = CollectingHandler.Answer()
            while seen.body.isEmpty { for event in handler.events.takeAll() { seen.add(event) } }
            #expect(seen.text == "one", "it did not wait for the rest")
            gate.push(1)
            #expect(handler.wait().text == "two")
            server.stop()
            client.close()
        }
    }

    @Test func connectionsAreUsedAgainUnlessToldOtherwise() async throws {
        try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer { connection in
                while connection.request() != nil { connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
            }
            for _ in 0..<3 {
                let handler = CollectingHandler()
                client.send(UpstreamRequest(url: server.url()), handler)
                #expect(handler.wait().text == "ok")
            }
            #expect(server.accepted.load(ordering: .relaxed) == 1)
            for _ in 0..<2 {
                let handler = CollectingHandler()
                var request = UpstreamRequest(url: server.url())
                request.reusesConnections = false
                client.send(request, handler)
                #expect(handler.wait().text == "ok")
            }
            #expect(server.accepted.load(ordering: .relaxed) == 3)
            client.close()
            #expect(eventually { server.ended.load(ordering: .relaxed) == 3 }, "closing leaves no connection")
            server.stop()
        }
    }

    @Test(arguments: [
        "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 301 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
    ]) func redirectsAreNotFollowed(answer text: String) async throws {
        let requests = Atomic(0)
        let answer = try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer { connection in
                while connection.request() != nil {
                    requests.add(1, ordering: .relaxed)
                    connection.send(text)
                }
            }
            let handler = CollectingHandler()
            client.send(UpstreamRequest(url: server.url()), handler)
            defer {
                server.stop()
                client.close()
            }
            return handler.wait()
        }
        #expect((300..<400).contains(answer.head?.status ?? 0) && answer.failure == nil)
        #expect(requests.load(ordering: .relaxed) == 1)
    }

    /// What a broken server does, and how it is called.
    enum Fault: CaseIterable, Sendable {
        case closesAtOnce, resets, closesInTheMiddle, resetsInTheMiddle, shortLength, noHTTP, endlessHead, tooMuch,
            badChunk
        case saysNothing, stopsInTheHead, sendsOnlyTheHead, stopsInTheMiddle, dripsForever
    }

    @Test(arguments: Fault.allCases) func faultsHaveTheirName(_ fault: Fault) async throws {
        let answer = try await ask({ request in
            request.limits.firstByte = 300
            request.limits.idle = 300
            request.limits.bodyBytes = 1_000
            if fault == .dripsForever { request.limits.deadline = monotonicMilliseconds() + 500 }
        }) { connection in
            _ = connection.request()
            let length = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
            switch fault {
            case .closesAtOnce: break
            case .resets: connection.reset()
            case .closesInTheMiddle:
                connection.send(ScriptedServer.streamHead)
                connection.chunk("abc")
            case .resetsInTheMiddle:
                connection.send(ScriptedServer.streamHead)
                connection.chunk("abc")
                _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 50)
                connection.reset()
            case .shortLength: connection.send(length + "abc")
            case .noHTTP: connection.send([UInt8](repeating: 0xE9, count: 4_096))
            case .endlessHead:
                connection.send("HTTP/1.1 200 OK\r\n")
                while connection.send("X-A: \(String(repeating: "a", count: 1_000))\r\n") {}
            case .tooMuch:
                connection.send(ScriptedServer.streamHead)
                for _ in 0..<20 { connection.chunk(String(repeating: "a", count: 100)) }
                connection.awaitEnd()
            case .badChunk:
                connection.send(ScriptedServer.streamHead + "zz\r\nabc\r\n")
                connection.awaitEnd()
            case .saysNothing: connection.awaitEnd()
            case .stopsInTheHead:
                connection.send("HTTP/1.1 200 OK\r\nX-A: ")
                connection.awaitEnd()
            case .sendsOnlyTheHead:
                connection.send(ScriptedServer.streamHead)
                connection.awaitEnd()
            case .stopsInTheMiddle:
                connection.send(ScriptedServer.streamHead)
                connection.chunk("abc")
                connection.awaitEnd()
            case .dripsForever:
                connection.send(ScriptedServer.streamHead)
                while connection.send("1\r\na\r\n") {
                    _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 20)
                }
            }
        }
        let reason: UpstreamFailure.Reason =
            switch fault {
            case .closesAtOnce, .resets, .closesInTheMiddle, .resetsInTheMiddle, .shortLength, .badChunk: .broken
            case .noHTTP: .malformed
            case .endlessHead: .headTooLarge
            case .tooMuch: .bodyTooLarge
            case .saysNothing, .stopsInTheHead, .sendsOnlyTheHead: .firstByteTime
            case .stopsInTheMiddle: .idleTime
            case .dripsForever: .deadline
            }
        #expect(answer.failure?.reason == reason, "\(String(describing: answer.failure))")
        #expect(answer.ends == 1)
        if [.closesInTheMiddle, .resetsInTheMiddle, .shortLength, .stopsInTheMiddle].contains(fault) {
            #expect(answer.text == "abc", "what came is kept")
        }
    }

    @Test func nobodyThere() async throws {
        let answer = try await onThread {
            let client = HTTPClient()
            defer { client.close() }
            let server = ScriptedServer { _ in }
            server.stop()
            let handler = CollectingHandler()
            client.send(UpstreamRequest(url: server.url()), handler)
            let unknown = CollectingHandler()
            client.send(UpstreamRequest(url: "http://nowhere.invalid/"), unknown)
            #expect(unknown.wait().failure?.reason == .unresolved)
            return handler.wait()
        }
        #expect(answer.failure?.reason == .unreachable)
        #expect(answer.failure?.isPassing == true)
    }

    @Test(arguments: [CancelReason.cancelled, .deadline]) func cancellingClosesTheConnectionAtOnce(
        _ reason: CancelReason
    ) async throws {
        try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer { connection in
                _ = connection.request()
                connection.send(ScriptedServer.streamHead)
                connection.chunk("a")
                connection.awaitEnd()
            }
            let handler = CollectingHandler()
            let transfer = client.send(UpstreamRequest(url: server.url()), handler)
            var seen = CollectingHandler.Answer()
            while seen.body.isEmpty { for event in handler.events.takeAll() { seen.add(event) } }
            #expect(server.ended.load(ordering: .relaxed) == 0)
            transfer.cancel(reason)
            let answer = handler.wait()
            #expect(answer.failure?.reason == (reason == .deadline ? .deadline : .cancelled))
            #expect(eventually { server.ended.load(ordering: .relaxed) == 1 })
            transfer.cancel(reason)
            #expect(handler.events.takeAll(deadline: monotonicMilliseconds() + 50).isEmpty, "the end came once")
            server.stop()
            client.close()
        }
    }

    @Test func aHandlerMayStop() async throws {
        for handler in [CollectingHandler(acceptsHead: false), CollectingHandler(flows: [.stop])] {
            let answer = try await ask(handler: handler) { connection in
                _ = connection.request()
                connection.send(ScriptedServer.streamHead)
                connection.chunk("abc")
                connection.awaitEnd()
            }
            #expect(answer.failure?.reason == .stopped && answer.ends == 1)
        }
    }

    /// A handler that pauses holds up the server; the wait is not counted, and nothing is lost or doubled.
    @Test func pausingHoldsUpTheServer() async throws {
        try await onThread {
            let client = HTTPClient()
            let sent = Atomic(0)
            let piece = [UInt8](repeating: 0x61, count: 65_536)
            let count = 512
            let server = ScriptedServer { connection in
                _ = connection.request()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(count * piece.count)\r\n\r\n")
                for _ in 0..<count where connection.send(piece) { sent.add(1, ordering: .relaxed) }
                connection.awaitEnd()
            }
            let handler = CollectingHandler(flows: [.pause])
            let transfer = client.send(UpstreamRequest(url: server.url()), handler)
            var before = -1
            // Until nothing moves any more.
            while before != sent.load(ordering: .relaxed) {
                before = sent.load(ordering: .relaxed)
                _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 400)
            }
            #expect(before < count)
            transfer.resume()
            let answer = handler.wait()
            #expect(answer.failure == nil)
            #expect(answer.body.count == count * piece.count)
            server.stop()
            client.close()
        }
    }

    /// What counts as silence is the time since the last piece, not since the wait for it began; and no time while it is paused.
    @Test func silenceIsCountedFromTheLastPiece() async throws {
        try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer { connection in
                _ = connection.request()
                connection.send(ScriptedServer.streamHead)
                for piece in ["a", "b", "c", "d"] {
                    connection.chunk(piece)
                    _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 1_200)
                }
                connection.send("0\r\n\r\n")
            }
            let handler = CollectingHandler(flows: [.taken, .pause])
            var request = UpstreamRequest(url: server.url())
            request.limits.idle = 2_000
            let transfer = client.send(request, handler)
            _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 4_000)
            transfer.resume()
            let answer = handler.wait()
            #expect(answer.failure == nil && answer.text == "abcd", "\(String(describing: answer.failure))")
            server.stop()
            client.close()
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
    func onlyThePublicInternet(host: String) async throws {
        let answer = try await ask({ request in
            request.url = request.url.replacing("127.0.0.1", with: host)
            request.onlyPublic = true
            request.usesProxies = false
        }) { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
        #expect(answer.failure?.reason == .forbidden, "\(String(describing: answer))")
    }

    @Test func whatCannotBeSentIsRefused() async throws {
        for change: @Sendable (inout UpstreamRequest) -> Void in [
            { $0.fields = ["X": "a\r\nY: b"] }, { $0.fields = ["X Y": "a"] }, { $0.method = "GET /" },
            { $0.url += "/ /" },
            { $0.url += "\u{0}x" }, { $0.url = "file:///etc/passwd" }, { $0.url = "" },
            { $0.url = "gopher://127.0.0.1/" },
        ] {
            let answer = try await ask(change) { _ in }
            #expect(answer.failure != nil && answer.ends == 1)
        }
    }

    @Test func closingEndsWhatIsUnderWay() async throws {
        try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer { $0.awaitEnd() }
            let handlers = (0..<5).map { _ in CollectingHandler() }
            for handler in handlers { client.send(UpstreamRequest(url: server.url()), handler) }
            client.close()
            for handler in handlers { #expect(handler.wait().failure?.reason == .closed) }
            let late = CollectingHandler()
            client.send(UpstreamRequest(url: server.url()), late)
            #expect(late.wait().failure?.reason == .closed)
            server.stop()
        }
    }

    /// Many at once, from many threads, some cancelled at any time: each ends once.
    @Test func manyAtOnce() async throws {
        try await onThread {
            let client = HTTPClient()
            let server = ScriptedServer { connection in
                while connection.request() != nil {
                    connection.send(ScriptedServer.streamHead)
                    for _ in 0..<10 { connection.chunk("0123456789") }
                    connection.send("0\r\n\r\n")
                }
            }
            let handlers = (0..<200).map { _ in CollectingHandler() }
            for (index, handler) in handlers.enumerated() {
                let transfer = client.send(UpstreamRequest(url: server.url()), handler)
                if index % 3 == 0 { transfer.cancel(.cancelled) }
            }
            for (index, handler) in handlers.enumerated() {
                let answer = handler.wait()
                #expect(answer.ends == 1)
                if index % 3 != 0 { #expect(answer.body.count == 100) }
            }
            client.close()
            server.stop()
        }
    }
}

/// Which addresses plugins may be let to.
struct PublicAddressTests {
    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "2a00:1450::1",
        "::ffff:8.8.8.8",
    ])
    func isPublic(_ address: String) { #expect(HTTPClient.isPublic(address)) }

    @Test(arguments: [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.168.0.1",
        "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1",
        "fd00::1", "ff02::1",
        "2001:db8::1", "2001::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
        "::7f00:1", "localhost", "",
    ])
    func isNot(_ address: String) { #expect(!HTTPClient.isPublic(address)) }
}
