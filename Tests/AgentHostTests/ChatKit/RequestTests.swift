import Testing

@testable import AgentHost

struct RequestTests {
    private func operation(_ text: String) throws -> ChatKit.Operation {
        try ChatKit.Request(body: Array(text.utf8)).operation
    }

    private func refusal(_ body: [UInt8]) -> ChatKit.RequestError? {
        do {
            _ = try ChatKit.Request(body: body)
            return nil
        } catch {
            return error
        }
    }

    private static let hello = ChatKit.UserMessageInput(
        content: [.text("hi")], attachments: [], quotedText: nil, inferenceOptions: .init())
    private static let input =
        #"{"content":[{"type":"input_text","text":"hi"}],"attachments":[],"inference_options":{}}"#

    @Test(arguments: [
        (#"{"type":"threads.create","params":{"input":\#(input)}}"#, ChatKit.Operation.createThread(input: hello)),
        (
            #"{"type":"threads.add_user_message","params":{"thread_id":"t","input":\#(input)}}"#,
            .addUserMessage(thread: "t", input: hello)
        ),
        (
            #"{"type":"threads.add_client_tool_output","params":{"thread_id":"t","result":null}}"#,
            .addClientToolOutput(thread: "t", result: .null)
        ),
        (
            #"{"type":"threads.add_structured_input","params":{"thread_id":"t","item_id":"i","input":{}}}"#,
            .addStructuredInput(thread: "t", item: "i", .init())
        ),
        (
            #"{"type":"threads.add_structured_input","params":{"thread_id":"t","item_id":"i","input":{"status":"skipped","#
                + #""answers":{"a":{},"b":{"values":["x"],"skipped":true}}}}}"#,
            .addStructuredInput(
                thread: "t", item: "i",
                .init(status: .skipped, answers: ["a": .init(), "b": .init(values: ["x"], skipped: true)]))
        ),
        (
            #"{"type":"threads.retry_after_item","params":{"thread_id":"t","item_id":"i"}}"#,
            .retryAfterItem(thread: "t", item: "i")
        ),
        (
            #"{"type":"threads.custom_action","params":{"thread_id":"t","item_id":"i","action":{"type":"a","payload":[1]}}}"#,
            .customAction(.init(thread: "t", item: "i", type: "a", payload: [1]))
        ),
        (
            #"{"type":"threads.sync_custom_action","params":{"thread_id":"t","item_id":null,"action":{"type":"a"}}}"#,
            .syncCustomAction(.init(thread: "t", item: nil, type: "a", payload: .null))
        ),
        (#"{"type":"threads.get_by_id","params":{"thread_id":"t"}}"#, .getThread("t")),
        (#"{"type":"threads.list","params":{}}"#, .listThreads(.init())),
        (
            #"{"type":"items.list","params":{"thread_id":"t","limit":7,"order":"asc","after":"x"}}"#,
            .listItems(thread: "t", .init(limit: 7, order: .ascending, after: "x"))
        ),
        (
            #"{"type":"items.feedback","params":{"thread_id":"t","item_ids":["a","b"],"kind":"negative"}}"#,
            .feedback(thread: "t", items: ["a", "b"], .negative)
        ),
        (#"{"type":"threads.update","params":{"thread_id":"t","title":""}}"#, .updateThread("t", title: "")),
        (#"{"type":"threads.delete","params":{"thread_id":"t"}}"#, .deleteThread("t")),
        (
            #"{"type":"attachments.create","params":{"name":"n","size":3,"mime_type":"text/plain"}}"#,
            .createAttachment(name: "n", size: 3, mimeType: "text/plain")
        ),
        (#"{"type":"attachments.delete","params":{"attachment_id":"a"}}"#, .deleteAttachment("a")),
        (
            #"{"type":"input.transcribe","params":{"audio_base64":"AA==","mime_type":"audio/webm;codecs=opus"}}"#,
            .transcribe(audioBase64: "AA==", mimeType: "audio/webm;codecs=opus")
        ),
    ])
    func everyOperation(_ text: String, _ expected: ChatKit.Operation) throws {
        #expect(try operation(text) == expected)
    }

    @Test func wholeUserMessage() throws {
        let text = #"""
            {"type":"threads.create","zzz":1,"params":{"zzz":{},"input":{"zzz":null,
            "content":[{"type":"input_text","text":"é\u0000","x":1},
                       {"type":"input_tag","id":"e","text":"P","data":{"k":null},"group":"g","interactive":"true"},
                       {"type":"input_tag","id":"f","text":"Q","data":{},"group":null}],
            "quoted_text":"","attachments":["a"],
            "inference_options":{"tool_choice":{"id":"search"},"model":"fast","x":[]}}}}
            """#
        let input = ChatKit.UserMessageInput(
            content: [
                .text("é\u{0}"),
                .tag(id: "e", text: "P", data: .init(members: [("k", .null)]), group: "g", interactive: true),
                .tag(id: "f", text: "Q", data: .init(), group: nil, interactive: false),
            ], attachments: ["a"], quotedText: "", inferenceOptions: .init(toolChoice: "search", model: "fast"))
        #expect(try operation(text) == .createThread(input: input))
    }

    @Test func nullsThatMeanAbsent() throws {
        let text = #"""
            {"type":"threads.create","params":{"input":{"content":[],"quoted_text":null,"attachments":[],
            "inference_options":{"tool_choice":null,"model":null}}}}
            """#
        let input = ChatKit.UserMessageInput(
            content: [], attachments: [], quotedText: nil, inferenceOptions: .init())
        #expect(try operation(text) == .createThread(input: input))
    }

    @Test(arguments: [
        ("5", 5), (#""5""#, 5), ("5.0", 5), ("true", 1), ("false", 20), ("0", 20), (#""0""#, 20), ("null", 20),
        ("1", 1),
        ("1000", 1000), ("1001", 1000), ("1e300", 1000), (#""99999999999999999999999""#, 1000), ("-0.0", 20),
        (#""+7""#, 7),
    ])
    func limits(_ json: String, _ limit: Int) throws {
        let expected = ChatKit.Operation.listThreads(.init(limit: limit))
        #expect(try operation(#"{"type":"threads.list","params":{"limit":\#(json)}}"#) == expected)
    }

    @Test(arguments: [
        "-1", "-1e300", #""-1""#, #""-99999999999999999999999""#, "5.5", #""5.5x""#, #""""#, #""-""#, #"" ""#, "[]",
        "{}",
    ])
    func limitsThatAreNone(_ json: String) {
        let error = refusal(Array(#"{"type":"threads.list","params":{"limit":\#(json)}}"#.utf8))
        #expect(error?.code == .invalidRequest)
        #expect(error?.sentence.contains("params.limit") == true)
    }

    @Test(arguments: [
        (#"[]"#, "must be a JSON object"),
        (#"null"#, "must be a JSON object"),
        (#""x""#, "must be a JSON object"),
        (#"{"params":{}}"#, "type is required."),
        (#"{"type":7,"params":{}}"#, "type must be a string."),
        (#"{"type":null,"params":{}}"#, "type must be a string."),
        (#"{"type":"threads.list"}"#, "params is required."),
        (#"{"type":"threads.list","params":null}"#, "params must be an object."),
        (#"{"type":"threads.list","params":{},"metadata":null}"#, "metadata must be an object."),
        (#"{"type":"threads.list","params":{},"metadata":[]}"#, "metadata must be an object."),
        (#"{"type":"threads.list","params":{"order":"sideways"}}"#, #"params.order must be "asc" or "desc"."#),
        (#"{"type":"threads.list","params":{"order":null}}"#, "params.order must be a string."),
        (#"{"type":"threads.list","params":{"after":5}}"#, "params.after must be a string."),
        (#"{"type":"threads.get_by_id","params":{}}"#, "params.thread_id is required."),
        (#"{"type":"threads.get_by_id","params":{"thread_id":5}}"#, "params.thread_id must be a string."),
        (#"{"type":"threads.create","params":{}}"#, "params.input is required."),
        (#"{"type":"threads.create","params":{"input":{"content":"hi"}}}"#, "params.input.content must be an array."),
        (
            #"{"type":"threads.create","params":{"input":{"content":[{"type":"nope"}],"attachments":[],"inference_options":{}}}}"#,
            #"params.input.content[0].type must be "input_text" or "input_tag"."#
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":5}]}}}"#,
            "params.input.content[0].text must be a string."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[7]}}}"#,
            "params.input.content[0] must be an object."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[{"type":"input_tag","id":"e","text":"x"}]}}}"#,
            "params.input.content[0].data is required."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[{"type":"input_tag","id":"e","text":"x","data":{},"interactive":2}]}}}"#,
            "params.input.content[0].interactive must be true or false."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[],"inference_options":{}}}}"#,
            "params.input.attachments is required."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[],"attachments":[1],"inference_options":{}}}}"#,
            "params.input.attachments[0] must be a string."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[],"attachments":[]}}}"#,
            "params.input.inference_options is required."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[],"attachments":[],"inference_options":{"tool_choice":{}}}}}"#,
            "params.input.inference_options.tool_choice.id is required."
        ),
        (
            #"{"type":"threads.create","params":{"input":{"content":[],"attachments":[],"inference_options":{"model":1}}}}"#,
            "params.input.inference_options.model must be a string."
        ),
        (
            #"{"type":"threads.add_client_tool_output","params":{"thread_id":"t"}}"#, "params.result is required."
        ),
        (
            #"{"type":"threads.add_structured_input","params":{"thread_id":"t","item_id":"i","input":{"answers":{"q":7}}}}"#,
            "params.input.answers.q must be an object."
        ),
        (
            #"{"type":"threads.add_structured_input","params":{"thread_id":"t","item_id":"i","input":{"status":"maybe"}}}"#,
            #"params.input.status must be "answered" or "skipped"."#
        ),
        (
            #"{"type":"threads.custom_action","params":{"thread_id":"t","action":{}}}"#,
            "params.action.type is required."
        ),
        (
            #"{"type":"items.feedback","params":{"thread_id":"t","item_ids":["a"],"kind":"meh"}}"#,
            #"params.kind must be "positive" or "negative"."#
        ),
        (
            #"{"type":"items.feedback","params":{"thread_id":"t","item_ids":["a",2],"kind":"positive"}}"#,
            "params.item_ids[1] must be a string."
        ),
        (#"{"type":"threads.update","params":{"thread_id":"t","title":null}}"#, "params.title must be a string."),
        (
            #"{"type":"attachments.create","params":{"name":"n","size":"x","mime_type":"m"}}"#,
            "params.size must be an integer."
        ),
    ])
    func refusedWithAPath(_ text: String, _ sentence: String) {
        let error = refusal(Array(text.utf8))
        #expect(error?.code == .invalidRequest)
        #expect(error?.sentence.contains(sentence) == true, "\(error?.sentence ?? "accepted")")
    }

    @Test func unknownOperation() {
        let error = refusal(Array(#"{"type":"threads.nope","params":{}}"#.utf8))
        #expect(error?.code == .unknownOperation)
    }

    @Test(arguments: [
        "", "{", "\u{FEFF}{}", #"{"type":"threads.list","params":{}} x"#,
        #"{"type":"threads.list","params":{},"params":{}}"#,
        #"{"type":"threads.list","params":{"after":"\ud800"}}"#,
        "{\"type\":\"threads.list\",\"params\":{\"after\":\"\n\"}}",
        #"{"type":"threads.list","params":{"limit":99999999999999999999}}"#,
        #"{"type":"threads.list","params":{"limit":NaN}}"#,
    ])
    func notJSON(_ text: String) {
        #expect(refusal(Array(text.utf8))?.code == .invalidJSON)
    }

    @Test func notUTF8() {
        #expect(refusal([0xFF, 0xFE])?.code == .invalidJSON)
        let body = Array(#"{"type":"threads.list","params":{"after":""#.utf8) + [0xC3, 0x28] + Array(#""}}"#.utf8)
        #expect(refusal(body)?.code == .invalidJSON)
    }

    @Test func depthIsBounded() throws {
        func body(_ depth: Int) -> String {
            // Two levels are the request's own; the value is one that nobody reads.
            #"{"type":"threads.list","params":{"unknown":"#
                + String(repeating: "[", count: depth - 2) + String(repeating: "]", count: depth - 2) + "}}"
        }
        _ = try operation(body(128))
        let error = refusal(Array(body(129).utf8))
        #expect(error?.code == .invalidJSON)
        #expect(error?.sentence.contains("128") == true)
    }

    /// Plugins are promised that no JSON is deeper than 64 levels, and these values reach them within other JSON.
    @Test(arguments: [
        (#"{"type":"threads.list","params":{},"metadata":{"x":@}}"#, 1, "metadata"),
        (#"{"type":"threads.add_client_tool_output","params":{"thread_id":"t","result":@}}"#, 0, "params.result"),
        (
            #"{"type":"threads.custom_action","params":{"thread_id":"t","action":{"type":"a","payload":@}}}"#, 0,
            "payload"
        ),
        (
            #"{"type":"threads.create","params":{"input":{"attachments":[],"inference_options":{},"content":[{"type":"input_tag","id":"i","text":"t","data":{"x":@}}]}}}"#,
            1, "params.input.content[0].data"
        ),
    ])
    func valuesOfTheClientsOwnAreNotTooDeep(_ pattern: String, _ own: Int, _ place: String) throws {
        func body(_ depth: Int) -> String {
            let levels = depth - own
            let parts = pattern.split(separator: "@")
            return parts[0] + String(repeating: "[", count: levels) + String(repeating: "]", count: levels) + parts[1]
        }
        let limit = ChatKit.RequestFields.maximumFreeDepth
        _ = try operation(body(limit))
        let error = refusal(Array(body(limit + 1).utf8))
        #expect(error?.code == .invalidRequest)
        #expect(error?.sentence.contains("\(place) must not be nested") == true)
    }

    @Test func metadataIsKept() throws {
        let request = try ChatKit.Request(
            body: Array(#"{"type":"threads.list","params":{},"metadata":{"agent":"echo","deep":{"a":[null]}}}"#.utf8))
        #expect(request.metadata["agent"] == "echo")
        #expect(request.metadata["deep"] == ["a": [.null]])
        #expect(try ChatKit.Request(body: Array(#"{"type":"threads.list","params":{}}"#.utf8)).metadata == JSONObject())
    }

    @Test func manyAnswersTakeLinearTime() throws {
        let answers = (0..<50_000).map { #""k\#($0)":{}"# }.joined(separator: ",")
        let body = Array(
            #"{"type":"threads.add_structured_input","params":{"thread_id":"t","item_id":"i","input":{"answers":{\#(answers)}}}}"#
                .utf8)
        let start = ContinuousClock.now
        _ = try ChatKit.Request(body: body)
        // Comparing each with each would take minutes.
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
