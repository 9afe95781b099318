import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// `ap.host.http/1`: where a plugin may go, and where not.
struct HTTPServiceTests {
    /// What a plugin heard.
    struct Heard: Sendable {
        var head: JSON?
        var body: [UInt8] = []
        var status = ServiceFailure.Status(rawValue: 1)
        var end = ""
        var ends = 0
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// One request; blocks until its end.
    private func ask(
        _ json: JSON, permits: [String], body: String = "", op: String = "request", deadline: Int64 = 0,
        _ meanwhile: (any Cancellable) -> Void = { _ in }
    ) -> Heard {
        let list = JSON.array(permits.map { .string($0) }).text
        guard
            let manifest = try? Manifest(
                parsing: Array(
                    #"{"abi":1,"id":"dev.example.a","name":"a","version":"1.0.0","permissions":{"http":\#(list)}}"#.utf8
                ))
        else { return Heard() }
        let client = HTTPClient()
        defer { client.close() }
        let heard = Mutex(Heard())
        let done = BlockingQueue<Bool>()
        var scope = WorkScope()
        scope.deadline = deadline
        let call = ServiceCall(manifest: manifest, scope: scope, op: op, json: json.encoded, body: Array(body.utf8))
        let work = HTTPService(client: client).start(
            call,
            ServiceReply { event, status, data in
                heard.withLock { heard in
                    switch event {
                    case 2: heard.head = try? JSON.parse(data)
                    case 1: heard.body += data
                    default:
                        heard.status = .init(rawValue: status)
                        heard.end = String(decoding: data, as: UTF8.self)
                        heard.ends += 1
                        done.push(true)
                    }
                }
            })
        meanwhile(work)
        _ = done.takeAll(deadline: monotonicMilliseconds() + 20_000)
        return heard.withLock { $0 }
    }

    /// Repeats what it was asked; `/to/PLACE` redirects there, unless it ends with `/here`.
    private func server(_ status: Int = 302, requests: BlockingQueue<String>? = nil) -> ScriptedServer {
        ScriptedServer { connection in
            while let request = connection.request() {
                requests?.push(request)
                let path = request.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                if path.hasPrefix("/to/"), !path.hasSuffix("/here") {
                    let place = path.dropFirst(4).removingPercentEncoding ?? ""
                    connection.send("HTTP/1.1 \(status) X\r\nLocation: \(place)\r\nContent-Length: 4\r\n\r\nbody")
                } else {
                    connection.send(
                        "HTTP/1.1 203 X\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: \(request.utf8.count)\r\n\r\n" + request)
                }
            }
        }
    }

    @Test func askingAListedServer() async throws {
        try await onThread {
            let server = server()
            defer { server.stop() }
            let heard = ask(
                ["url": .string(server.url("/a?b#c")), "method": "PUT", "headers": ["X-Y": "z"]],
                permits: ["127.0.0.1:\(server.port)"],
                body: "hello")
            #expect(heard.status.rawValue == 0 && heard.ends == 1, "\(heard.end)")
            #expect(heard.head?["status"] == 203 && heard.head?["headers"]?["x-a"] == "1, 2")
            #expect(heard.text.hasPrefix("PUT /a?b HTTP/1.1\r\n") && heard.text.hasSuffix("\r\n\r\nhello"))
            #expect(heard.text.contains("X-Y: z\r\n"))
            #expect((try? JSON.parse(heard.end))?["bytes"]?.int == Int64(heard.body.count))
        }
    }

    @Test(
        arguments: [
            [], ["127.0.0.1"], ["127.0.0.1:1"], ["*.example.com:*"], ["127.0.0.*:*"], ["*:*"], ["*"],
        ] as [[String]]) func nobodyElse(_ permits: [String]) async throws
    {
        try await onThread {
            let server = server()
            defer { server.stop() }
            for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001"] {
                let heard = ask(["url": .string("http://\(host):\(server.port)/")], permits: permits)
                #expect(heard.status == .denied && heard.ends == 1, "\(host): \(heard.end)")
            }
            #expect(server.accepted.load(ordering: .relaxed) == 0)
        }
    }

    /// A name is not trusted because it was listed: what counts is where it leads.
    @Test func aListedNameThatLeadsHome() async throws {
        try await onThread {
            let server = server()
            defer { server.stop() }
            #expect(
                ask(["url": .string("http://localhost:\(server.port)/")], permits: ["localhost:*"]).status.rawValue == 0
            )
            for (host, permit) in [("0", "0:*"), ("2130706433", "2130706433:*"), ("localhost", "local*:*")] {
                let heard = ask(["url": .string("http://\(host):\(server.port)/")], permits: [permit])
                #expect(heard.status == .denied, "\(host): \(heard.end)")
            }
        }
    }

    @Test func redirectsAreCheckedToo() async throws {
        try await onThread {
            let requests = BlockingQueue<String>()
            let server = server(requests: requests)
            let other = self.server()
            defer {
                server.stop()
                other.stop()
            }
            func follow(_ place: String, permits: [String] = [], method: JSON = "POST", _ more: JSON = .null) -> Heard {
                let escaped = place.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                return ask(
                    [
                        "url": .string(server.url("/to/" + escaped)), "method": method,
                        "headers": ["Authorization": "secret", "X-Y": "z"], "redirects": more,
                    ], permits: ["127.0.0.1:\(server.port)"] + permits, body: "hello")
            }
            let here = follow("/there?x")
            #expect(
                here.text.hasPrefix("GET /there?x ") && here.text.contains("secret") && !here.text.contains("hello"))
            #expect(here.head?["url"]?.string?.hasSuffix("/there?x") == true)
            #expect(follow("beside/here").text.hasPrefix("GET /to/beside/here"))
            let abroad = follow(other.url("/z"), permits: ["127.0.0.1:\(other.port)"])
            #expect(
                abroad.text.hasPrefix("GET /z ") && !abroad.text.contains("secret") && abroad.text.contains("X-Y: z"))
            for place in [
                other.url(), "http://localhost:\(server.port)/", "https://example.com/", "//169.254.169.254/",
            ] {
                let heard = follow(place)
                #expect(heard.status == .denied && heard.head == nil && heard.body.isEmpty, "\(place): \(heard.end)")
            }
            #expect(other.accepted.load(ordering: .relaxed) == 1)
            // Those that are not followed are answers.
            for heard in [follow("/there", 0), follow("ftp://x/"), follow("javascript:alert(1)")] {
                #expect(heard.head?["status"] == 302 && heard.text == "body", "\(heard.end)")
            }
            _ = requests.takeAll(deadline: monotonicMilliseconds())
            // In circles.
            let circle = "http://127.0.0.1:\(server.port)/to/"
            let loop = ask(
                ["url": .string(server.url("/to/" + String(repeating: "/to/", count: 20)))],
                permits: ["127.0.0.1:\(server.port)"])
            #expect(loop.head?["status"] == 302, "\(loop.end) \(circle)")
            #expect(requests.takeAll().count == 6)
        }
    }

    @Test(arguments: [307, 308]) func someRedirectsKeepTheRequest(_ status: Int) async throws {
        try await onThread {
            let server = server(status)
            defer { server.stop() }
            let heard = ask(
                ["url": .string(server.url("/to/%2Fthere")), "method": "POST"], permits: ["127.0.0.1:\(server.port)"],
                body: "hello")
            #expect(heard.text.hasPrefix("POST /there ") && heard.text.hasSuffix("hello"), "\(heard.end)")
        }
    }

    @Test(
        arguments: [
            [:], ["url": 5], ["url": "x"], ["url": "ftp://a/"], ["url": "http://u:p@a/"], ["url": "http://a b/"],
            ["url": "http://a\\@b/"], ["url": "http://a/\r\nX: y"], ["url": "http://a:0/"], ["url": "http://a:99999/"],
            ["url": "http://a/", "method": "CONNECT"], ["url": "http://a/", "method": "GET / HTTP/1.1\r\nX: y"],
            ["url": "http://a/", "headers": ["X": "a\r\nY: b"]], ["url": "http://a/", "headers": ["Host": "b"]],
            ["url": "http://a/", "headers": ["X": 5]], ["url": "http://a/", "headers": []],
            ["url": "http://a/", "timeout_ms": 0], ["url": "http://a/", "max_bytes": -1],
            ["url": "http://a/", "redirects": 6],
        ] as [JSON]) func whatCannotBeAsked(_ json: JSON) async throws
    {
        let heard = try await onThread { ask(json, permits: ["*:*", "a:80"]) }
        #expect(heard.status == .invalid && heard.ends == 1, "\(heard.end)")
    }

    @Test func limits() async throws {
        try await onThread {
            let server = ScriptedServer { connection in
                guard let request = connection.request() else { return }
                if request.contains("/silent") { return connection.awaitEnd() }
                connection.send(ScriptedServer.streamHead)
                for _ in 0..<20 { connection.chunk(String(repeating: "a", count: 100)) }
                connection.send("0\r\n\r\n")
            }
            defer { server.stop() }
            let permits = ["127.0.0.1:\(server.port)"]
            #expect(ask(["url": .string(server.url()), "max_bytes": 2_000], permits: permits).status.rawValue == 0)
            let large = ask(["url": .string(server.url()), "max_bytes": 1_999], permits: permits)
            #expect(large.status == .limit && large.body.count < 2_000)
            let silent = JSON.string(server.url("/silent"))
            #expect(ask(["url": silent, "timeout_ms": 100], permits: permits).end == "it took too long")
            #expect(
                ask(["url": silent], permits: permits, deadline: monotonicMilliseconds() + 100).end
                    == "it took too long")
            let cancelled = ask(["url": silent], permits: permits) { $0.cancel(.cancelled) }
            #expect(cancelled.end == "it was cancelled" && cancelled.ends == 1)
            #expect(ask([:], permits: [], op: "other").status == .unsupported)
        }
    }
}

struct WebAddressTests {
    @Test(arguments: [
        ("http://A.b", "http://a.b:80/"), ("HTTPS://a:8443/x?y#z", "https://a:8443/x?y"),
        ("http://a?b", "http://a:80/?b"),
        ("http://[::1]:5/", "http://[::1]:5/"), ("http://a:/x", "http://a:80/x"), ("https://a#b", "https://a:443/"),
    ]) func read(_ text: String, _ expected: String) { #expect(WebAddress(text)?.text == expected) }

    @Test(arguments: [
        "", "a", "http://", "http:///x", "http:/a", "//a", "http://a@b/", "http://[::1", "http://[x]/", "http://a b",
        "http://a/ b",
        "http://a:x/", "http://a:-1/", "http://a:65536/", "http://a%2e/", "http://a,b/", "http://é/", "http://a/é",
        "http://a/\u{0}", "file:///x",
        "http://a:1:2/", "http://[::1]x/",
    ]) func refused(_ text: String) { #expect(WebAddress(text) == nil) }
}
