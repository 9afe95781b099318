import Foundation
import Testing

/// Input that nobody means well, at the ChatKit door of a real server: a 4xx in the usual form or correct handling, never a crash, a
/// hang, a 5xx or a stream without its end.
struct HostileRequestTests {
    /// Bodies that are no request, and the code of the refusal.
    static let bodies: [(String, Data, String)] = {
        let list = #"{"type":"threads.list","params":{"x":@}}"#
        func body(_ value: String) -> Data { Data(list.replacingOccurrences(of: "@", with: value).utf8) }
        func bytes(_ value: [UInt8]) -> Data {
            let parts = list.components(separatedBy: "@")
            return Data(parts[0].utf8) + Data(value) + Data(parts[1].utf8)
        }
        let deep = 100_000
        return [
            ("empty", Data(), "invalid_json"), ("blank", Data(" \n".utf8), "invalid_json"),
            ("no UTF-8", bytes([0x22, 0xFF, 0x22]), "invalid_json"),
            ("cut character", bytes([0x22, 0xC3, 0x22]), "invalid_json"),
            ("overlong character", bytes([0x22, 0xC0, 0xAF, 0x22]), "invalid_json"),
            ("surrogate as UTF-8", bytes([0x22, 0xED, 0xA0, 0x80, 0x22]), "invalid_json"),
            ("beyond Unicode", bytes([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22]), "invalid_json"),
            ("UTF-16", Data([0xFF, 0xFE, 0x7B, 0, 0x7D, 0]), "invalid_json"),
            ("lone surrogate", body(#""\ud800""#), "invalid_json"),
            ("lone low surrogate", body(#""\udc00x""#), "invalid_json"),
            ("surrogates in the wrong order", body(#""\udc00\ud800""#), "invalid_json"),
            (
                "100,000 arrays", body(String(repeating: "[", count: deep) + String(repeating: "]", count: deep)),
                "invalid_json"
            ),
            ("100,000 open arrays", Data(String(repeating: "[", count: deep).utf8), "invalid_json"),
            (
                "100,000 objects",
                body(String(repeating: #"{"a":"#, count: deep) + "1" + String(repeating: "}", count: deep)),
                "invalid_json"
            ),
            ("raw NUL", bytes([0x22, 0, 0x22]), "invalid_json"),
            ("raw control character", bytes([0x22, 0x1F, 0x22]), "invalid_json"),
            ("NUL behind", body("1") + Data([0]), "invalid_json"),
            ("bytes behind", body("1") + Data("x".utf8), "invalid_json"),
            ("two values", body("1") + body("1"), "invalid_json"),
            ("byte order mark", Data([0xEF, 0xBB, 0xBF]) + body("1"), "invalid_json"),
            ("integer beyond 64 bits", body("9223372036854775808"), "invalid_json"),
            ("integer below 64 bits", body("-9223372036854775809"), "invalid_json"),
            ("integer of 100,000 digits", body(String(repeating: "9", count: deep)), "invalid_json"),
            ("number without end", body("1e999"), "invalid_json"),
            ("infinity", body("Infinity"), "invalid_json"), ("not a number", body("NaN"), "invalid_json"),
            ("leading zero", body("01"), "invalid_json"), ("hexadecimal", body("0x10"), "invalid_json"),
            ("key twice", body(#"{"a":1,"a":1}"#), "invalid_json"),
            ("key twice, once escaped", body(#"{"a":1,"\u0061":1}"#), "invalid_json"),
            ("single quotes", body("'x'"), "invalid_json"), ("comment", body("1/**/"), "invalid_json"),
            ("comma too many", body("[1,]"), "invalid_json"),
            ("unfinished", Data(#"{"type":"thre"#.utf8), "invalid_json"),
            ("an array", Data("[]".utf8), "invalid_request"),
            ("a string", Data(#""threads.list""#.utf8), "invalid_request"),
            ("null", Data("null".utf8), "invalid_request"), ("no type", Data("{}".utf8), "invalid_request"),
            ("metadata null", Data(#"{"type":"threads.list","params":{},"metadata":null}"#.utf8), "invalid_request"),
            (
                "long type", Data(#"{"type":"\#(String(repeating: "x", count: 500_000))","params":{}}"#.utf8),
                "unknown_operation"
            ),
            ("type with NUL", Data(#"{"type":"threads.list\u0000","params":{}}"#.utf8), "unknown_operation"),
        ]
    }()

    @Test func bodiesThatAreNoRequest() throws {
        let server = try ServerProcess()
        for (name, body, code) in Self.bodies {
            let response = try server.client().open("POST", "/chatkit", body).readToEnd()
            #expect(response.status == 400, "\(name)")
            #expect(response.code == code, "\(name)")
            #expect((response.json["error"] as? String)?.isEmpty == false, "\(name)")
            #expect(response.fields["x-request-id"]?.hasPrefix("req_") == true, "\(name)")
            #expect(response.body.count < 1_000, "\(name): an answer does not grow with the request")
        }
        #expect(server.isRunning)
        #expect(try server.client().create("well", agent: "echo").texts == ["well"])
    }

    @Test func bodiesAreLimited() throws {
        let server = try ServerProcess()
        func send(_ size: Int) throws -> ChatKitClient.Response {
            let frame = #"{"type":"threads.list","params":{"x":""}}"#
            let filling = String(repeating: "x", count: size - frame.utf8.count)
            let body = Data(#"{"type":"threads.list","params":{"x":"\#(filling)"}}"#.utf8)
            #expect(body.count == size)
            return try server.client().open("POST", "/chatkit", body).readToEnd()
        }
        #expect(try send(1 << 20).status == 200)
        let refused = try send((1 << 20) + 1)
        #expect(refused.status == 413)
        #expect(refused.code == "body_too_large")
        let claimed = try ResponseStream(port: server.port)
        claimed.send(Data("POST /chatkit HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n".utf8))
        #expect(claimed.readToEnd().status == 413)
    }

    /// What is legal comes back as it was sent, through the stream, the store, and a plugin in a worker.
    @Test func strangeTextComesBackByteForByte() throws {
        let server = try ServerProcess(plugins: [FaultTests.good])
        var scalars = String.UnicodeScalarView()
        for value in Array(0...0x1F) + [
            0x7F, 0x80, 0x9F, 0xAD, 0x300, 0x202E, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF, 0x10FFFF,
        ] {
            scalars.append(Unicode.Scalar(UInt32(value))!)
        }
        let strange = String(scalars) + "e\u{301} 👩‍👩‍👧 \" \\ </script> ' data: x\n\ndata: y\r\n\r\nid: 1"
        for (text, agent) in [
            (strange, "echo"), (String(repeating: "é", count: 500_000), "echo"),
            (String(strange.unicodeScalars.filter { $0.value != 0 }.map(Character.init)), "echo-c"),
            (String(repeating: "\u{1}", count: 150_000), "echo"),
        ] {
            let response = try server.client().create(text, agent: agent)
            #expect(response.isComplete)
            #expect(response.texts.map { Array($0.utf8) } == [Array(text.utf8)], "\(agent)")
            let thread = try #require(response.threadID)
            let stored = try server.client().items(thread)
            let said = (stored.first?["content"] as? [[String: Any]])?.first?["text"] as? String
            #expect(said.map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    /// Values in places that are the client's own: kept exactly, or refused for their depth.
    @Test func valuesOfTheClientsOwn() throws {
        let server = try ServerProcess(plugins: [FaultTests.good])
        func create(_ data: String) throws -> ChatKitClient.Response {
            let body = #"""
                {"type":"threads.create","metadata":{"agent":"echo-c"},"params":{"input":{"attachments":[],"inference_options":{},
                "content":[{"type":"input_tag","id":"i","text":"t","data":{"x":\#(data)}}]}}}
                """#
            return try server.client().open("POST", "/chatkit", Data(body.utf8)).readToEnd()
        }
        let kept = [
            "null", "[null,{\"a\":null}]", "9223372036854775807", "-9223372036854775808", "1.5e300", "\"\\u0000\"",
            "{\"\":{}}",
            String(repeating: "[", count: 47) + String(repeating: "]", count: 47),
        ]
        for value in kept {
            let response = try create(value)
            #expect(response.isComplete && response.texts == ["t"], "\(value)")
            let stored = try server.client().items(try #require(response.threadID)).first
            let data = ((stored?["content"] as? [[String: Any]])?.first?["data"] as? [String: Any])?["x"]
            let sent = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
            #expect((data as? NSObject) == (sent as? NSObject), "\(value)")
        }
        let deeper = try create(String(repeating: "[", count: 48) + String(repeating: "]", count: 48))
        #expect(deeper.status == 400)
        #expect(deeper.code == "invalid_request")
    }

    @Test func idsThatCannotBe() throws {
        let server = try ServerProcess()
        let client = server.client()
        let thread = try #require(try client.create("x", agent: "echo").threadID)
        let ids = [
            "", "\0", "a\0b", "../../etc/passwd", "' OR 1=1 --", "%00", thread + "\0", thread.uppercased(),
            String(repeating: "x", count: 900_000),
        ]
        for id in ids {
            let name = "\(id.prefix(20))"
            for (op, more) in Self.operations where op.hasPrefix("threads.") || op.hasPrefix("items.") {
                guard more["thread_id"] != nil else { continue }
                let response = try client.call(op, more.merging(["thread_id": id]) { $1 })
                if op == "threads.delete" {
                    #expect(response.status == 200, "\(op) \(name)")
                } else {
                    #expect(response.status == 404, "\(op) \(name)")
                    #expect(response.code == "not_found", "\(op) \(name)")
                }
                guard more["item_id"] != nil else { continue }
                let item = try client.call(op, more.merging(["thread_id": thread, "item_id": id]) { $1 })
                #expect((400..<500).contains(item.status) || item.status == 501 || item.isComplete, "\(op) \(name)")
            }
            for op in ["threads.list", "items.list"] {
                let response = try client.call(op, ["thread_id": thread, "after": id])
                #expect(response.status == 404, "\(op) \(name)")
                #expect(response.code == "cursor_not_found", "\(op) \(name)")
            }
        }
        #expect(try client.items(thread).count == 2)
    }

    /// Every field of every operation with a value of every other type, and without it.
    @Test func wrongTypesEverywhere() throws {
        let server = try ServerProcess()
        let client = server.client()
        let thread = try #require(try client.create("x", agent: "echo").threadID)
        var sent = 0
        for (op, template) in Self.operations {
            var params = template
            if params["thread_id"] != nil { params["thread_id"] = thread }
            for changed in Self.mutations(of: params) {
                let response = try client.call(op, changed as? [String: Any] ?? [:], agent: "echo")
                sent += 1
                guard response.status == 200 else {
                    let isRefusal = (400..<500).contains(response.status) || response.status == 501
                    #expect(isRefusal && response.code != nil && response.json["error"] is String, "\(op) \(changed)")
                    continue
                }
                #expect(response.isComplete, "\(op) \(changed)")
                let isStream = response.fields["content-type"] == "text/event-stream"
                #expect(!isStream || response.events.last?.type != "stream_options", "\(op) \(changed)")
            }
        }
        #expect(sent > 500)
        #expect(try client.create("well", agent: "echo").texts == ["well"])
    }

    /// A well-formed request of each operation; the ids name nothing.
    static var operations: [(String, [String: Any])] {
        let input: [String: Any] = [
            "content": [
                ["type": "input_text", "text": "t"],
                ["type": "input_tag", "id": "i", "text": "t", "data": ["k": "v"], "group": "g", "interactive": true],
            ],
            "attachments": [String](), "quoted_text": "q",
            "inference_options": ["model": "m", "tool_choice": ["id": "i"]],
        ]
        let action: [String: Any] = ["type": "a", "payload": ["k": "v"]]
        let page: [String: Any] = ["limit": 5, "order": "asc"]
        return [
            ("threads.create", ["input": input]),
            ("threads.add_user_message", ["thread_id": "t", "input": input]),
            ("threads.add_client_tool_output", ["thread_id": "t", "result": ["k": "v"]]),
            (
                "threads.add_structured_input",
                [
                    "thread_id": "t", "item_id": "i",
                    "input": ["status": "answered", "answers": ["q": ["values": ["v"], "skipped": false]]],
                ]
            ),
            ("threads.retry_after_item", ["thread_id": "t", "item_id": "i"]),
            ("threads.custom_action", ["thread_id": "t", "item_id": "i", "action": action]),
            ("threads.sync_custom_action", ["thread_id": "t", "item_id": "i", "action": action]),
            ("threads.get_by_id", ["thread_id": "t"]), ("threads.list", page),
            ("items.list", page.merging(["thread_id": "t"]) { $1 }),
            ("items.feedback", ["thread_id": "t", "item_ids": ["i"], "kind": "positive"]),
            ("threads.update", ["thread_id": "t", "title": "t"]),
            ("attachments.create", ["name": "n", "size": 1, "mime_type": "text/plain"]),
            ("attachments.delete", ["attachment_id": "a"]),
            ("input.transcribe", ["audio_base64": "AAAA", "mime_type": "audio/webm"]),
            ("threads.delete", ["thread_id": "missing"]),
        ]
    }

    /// The value with one place changed, for every place within it and every strange value.
    private static func mutations(of value: Any) -> [Any] {
        let strange: [Any] = [
            NSNull(), true, -1, 1.5, 1e300, "", "\0", [Any](), [NSNull()], [String: Any](), ["a": [1]],
        ]
        var result: [Any] = strange
        if let object = value as? [String: Any] {
            for (key, member) in object.sorted(by: { $0.key < $1.key }) {
                // A thread that is really deleted would hide what comes behind.
                if key == "thread_id", member as? String == "missing" { continue }
                var without = object
                without[key] = nil
                result.append(without)
                result += mutations(of: member).map { changed in object.merging([key: changed]) { $1 } }
            }
        } else if let array = value as? [Any] {
            for (index, element) in array.enumerated() {
                result += mutations(of: element).map { changed in
                    var copy = array
                    copy[index] = changed
                    return copy
                }
            }
        }
        return result
    }
}
