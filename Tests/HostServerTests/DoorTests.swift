import Foundation
import Testing

/// What every answer of a real server has, whoever gives it: an endpoint, the router, the parser.
struct DoorTests {
    private func raw(_ server: ServerProcess, _ text: String) throws -> ChatKitClient.Response {
        let stream = try ResponseStream(port: server.port)
        stream.send(Data(text.utf8))
        return stream.readToEnd()
    }

    @Test func everyAnswerHasARequestIdAndTheLogNamesIt() throws {
        let server = try ServerProcess()
        let head = "Host: x\r\nConnection: close\r\n"
        let answers = [
            ("stream", try server.client().create("x", agent: "echo"), 200),
            ("document", try server.client().call("threads.list", [:]), 200),
            ("refusal", try server.client().call("threads.get_by_id", ["thread_id": "none"]), 404),
            ("unknown path", try server.client().get("/nothing"), 404),
            ("wrong method", try raw(server, "PUT /chatkit HTTP/1.1\r\n\(head)\r\n"), 405),
            ("preflight", try raw(server, "OPTIONS /chatkit HTTP/1.1\r\n\(head)\r\n"), 204),
            ("probe", try server.client().get("/healthz"), 200),
            ("no HTTP", try raw(server, "GET / HTTP/9.9\r\n\(head)\r\n"), 400),
            ("bad target", try raw(server, "GET \\ HTTP/1.1\r\n\(head)\r\n"), 400),
            (
                "long target", try raw(server, "GET /\(String(repeating: "x", count: 9_000)) HTTP/1.1\r\n\(head)\r\n"),
                414
            ),
            (
                "long field",
                try raw(server, "GET / HTTP/1.1\r\n\(head)X: \(String(repeating: "x", count: 9_000))\r\n\r\n"), 431
            ),
            (
                "bad chunk",
                try raw(server, "POST /chatkit HTTP/1.1\r\n\(head)Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400
            ),
            ("large body", try raw(server, "POST /chatkit HTTP/1.1\r\n\(head)Content-Length: 99999999\r\n\r\n"), 413),
        ]
        var ids: Set<String> = []
        for (name, answer, status) in answers {
            // What speaks another version of HTTP may be told so in either way.
            #expect(answer.status == status || (name == "no HTTP" && answer.status == 505), "\(name)")
            let id = try #require(answer.fields["x-request-id"], "\(name)")
            #expect(id.wholeMatch(of: /req_[0-9a-f]{24}/) != nil, "\(name): \(id)")
            ids.insert(id)
            if answer.status >= 400 {
                #expect(answer.fields["content-type"] == "application/json", "\(name)")
                #expect(answer.fields["cache-control"] == "no-store", "\(name)")
                #expect(answer.code != nil && answer.json["error"] is String, "\(name)")
            }
            #expect(server.waitForLog(#""request_id":"\#(id)""#), "\(name)")
        }
        #expect(ids.count == answers.count)
    }

    @Test func aRequestIdOfTheClientIsKept() throws {
        let server = try ServerProcess()
        let body = Data(#"{"type":"threads.list","params":{}}"#.utf8)
        let fields = ["X-Request-ID": "mine-1"]
        #expect(
            try server.client().open("POST", "/chatkit", body, fields: fields).readToEnd().fields["x-request-id"]
                == "mine-1")
        #expect(server.waitForLog(#""request_id":"mine-1""#))
        let strange = try server.client().open("POST", "/chatkit", body, fields: ["X-Request-ID": "a\"b\u{7F}"])
            .readToEnd()
        #expect(strange.fields["x-request-id"]?.contains("\"") != true)
    }

    /// Lines that a plugin writes in a turn, and those about it, belong to the request.
    @Test(arguments: ["", "*"]) func linesOfPluginsNameTheRequest(trusted: String) throws {
        let server = try ServerProcess(plugins: [FaultTests.good], trusted: trusted)
        for (said, expected) in [("log the oven is on", "the oven is on"), ("garbage", "it broke the contract")] {
            let answer = try server.client().create(said, agent: "echo-c")
            let id = try #require(answer.fields["x-request-id"])
            let thread = try #require(answer.threadID)
            #expect(server.waitForLog(expected))
            let lines = server.log.components(separatedBy: "\n").filter { $0.contains(expected) }
            #expect(lines.count == 1)
            #expect(
                lines.allSatisfy { $0.contains(#""request_id":"\#(id)""#) && $0.contains(#""thread_id":"\#(thread)""#) }
            )
        }
    }

    @Test func withoutAStreamTheSameEventsComeAsOneDocument() throws {
        let server = try ServerProcess()
        let body = Data(
            #"{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":"one two"}],"attachments":[],"inference_options":{}}},"metadata":{"agent":"echo"}}"#
                .utf8)
        let streamed = try server.client().open("POST", "/chatkit", body).readToEnd()
        for value in ["off", "OFF"] {
            let whole = try server.client().open("POST", "/chatkit", body, fields: ["X-ChatKit-Stream": value])
                .readToEnd()
            #expect(whole.status == 200)
            #expect(whole.fields["content-type"] == "application/json")
            #expect(whole.fields["cache-control"] == "no-store")
            let events = try #require(whole.json["events"] as? [[String: Any]])
            #expect(events.compactMap { $0["type"] as? String } == streamed.events.map(\.type))
            #expect(events.last.map { ($0["item"] as? [String: Any])?["type"] as? String } == "assistant_message")
        }
        let failed = try server.client().open(
            "POST", "/chatkit", Data(#"{"type":"threads.create","params":{}}"#.utf8),
            fields: ["X-ChatKit-Stream": "off"]
        ).readToEnd()
        #expect(failed.status == 400)
        #expect(failed.code == "invalid_request")
        let other = try server.client().open("POST", "/chatkit", body, fields: ["X-ChatKit-Stream": "on"]).readToEnd()
        #expect(other.fields["content-type"]?.hasPrefix("text/event-stream") == true)
    }

    @Test func pagesOfListedOriginsMayCall() throws {
        let server = try ServerProcess(environment: ["CORS_ORIGINS": "https://a.example, https://b.example"])
        let body = Data(#"{"type":"threads.list","params":{}}"#.utf8)
        for (origin, allowed) in [("https://b.example", true), ("https://c.example", false), ("null", false)] {
            for (body, status) in [(body, 200), (Data("{".utf8), 400)] {
                let answer = try server.client().open("POST", "/chatkit", body, fields: ["Origin": origin]).readToEnd()
                #expect(answer.status == status)
                #expect(answer.fields["access-control-allow-origin"] == (allowed ? origin : nil), "\(origin)")
                #expect(answer.fields["access-control-allow-credentials"] == (allowed ? "true" : nil), "\(origin)")
                #expect(answer.fields["vary"] == "Origin")
                #expect(answer.fields["access-control-expose-headers"]?.contains("X-Request-ID") == true)
            }
        }
        let open = try ServerProcess()
        let stream = try open.client().open(
            "POST", "/chatkit", body, fields: ["Origin": "https://any.example"]
        ).readToEnd()
        #expect(stream.fields["access-control-allow-origin"] == "https://any.example")
        #expect(stream.fields["access-control-allow-credentials"] == nil)
    }
}
