import Testing

@testable import AgentHost

struct ItemDecodingTests {
    static let contents: [ChatKit.ItemContent] = [
        .userMessage(
            ChatKit.UserMessage(
                content: [
                    .text("hi"),
                    .tag(
                        id: "e", text: "Paris", data: JSONObject(members: [("k", .null)]), group: "g", interactive: true
                    ),
                ], attachments: [["id": "atc_1"]], quotedText: "",
                inferenceOptions: .init(toolChoice: "search", model: "fast"))),
        .userMessage(ChatKit.UserMessage(content: [])),
        .assistantMessage([.init(text: "é\u{2028}", annotations: [["type": "annotation"]])]), .assistantMessage([]),
        .clientToolCall(
            .init(
                status: .completed, callID: "c", name: "n", arguments: JSONObject(members: [("a", .null)]),
                output: ["x": nil])),
        .clientToolCall(.init(status: .pending, callID: "c", name: "n", arguments: JSONObject())),
        .widget(["type": "Card", "children": []], copyText: "copy"), .widget(["type": "Basic"], copyText: nil),
        .generatedImage(.init(id: "i", url: "https://x/")), .generatedImage(nil),
        .structuredInput(.init(status: .skipped, inputs: [["id": "q"]])),
        .workflow(
            .init(
                kind: .reasoning,
                tasks: [
                    .init(indicator: .loading, kind: .custom(title: "t", icon: "bolt", content: "c")),
                    .init(indicator: .complete, kind: .custom(title: nil, icon: nil, content: nil)),
                    .init(kind: .webSearch(title: nil, titleQuery: "q", queries: ["a"], sources: [["type": "url"]])),
                    .init(kind: .thought(title: "t", content: "c")), .init(kind: .file(title: nil, sources: [])),
                    .init(kind: .image(title: "i")),
                ], summary: .title("sum", icon: "lucide:x"), expanded: true)),
        .workflow(.init(summary: .duration(3))), .task(.init(kind: .thought(title: nil, content: "x"))), .endOfTurn,
        .hiddenContext(["any": [1, nil]]), .hiddenContext(nil), .sdkHiddenContext("note"),
    ]

    @Test(arguments: contents) func everyKindComesBackAsItWas(_ content: ChatKit.ItemContent) throws {
        let item = ChatKit.Item(
            id: "msg_1", threadID: "thr_1", createdAt: Timestamp(microseconds: 1_795_247_696_914_981), content: content)
        #expect(try ChatKit.Item(json: JSON.parse(item.encoded)) == item)
    }

    @Test(arguments: [
        (#"[]"#, "item must be an object"), (#"{"id":1}"#, "item.id must be a string"),
        (#"{"id":"a"}"#, "item.thread_id is missing"),
        (
            #"{"id":"a","thread_id":"t","created_at":"yesterday"}"#,
            "item.created_at must be an ISO 8601 time such as 2026-11-21T07:54:56.914981Z"
        ),
        (item("nope", ""), #"item.type names no kind of item: "nope""#),
        (
            item("assistant_message", #""content":[{"type":"output_text","text":5,"annotations":[]}]"#),
            "item.content[0].text must be a string"
        ),
        (item("user_message", #""content":[],"attachments":[]"#), "item.inference_options is missing"),
        (
            item("user_message", #""content":[{"type":"x"}],"attachments":[],"inference_options":{}"#),
            "item.content[0].type must be input_text or input_tag"
        ),
        (
            item("client_tool_call", #""status":"lost","call_id":"c","name":"n","arguments":{}"#),
            #"item.status has no meaning: "lost""#
        ),
        (item("widget", #""widget":[]"#), "item.widget must be an object"),
        (item("task", #""task":{"type":"custom","icon":"nope"}"#), #"item.task.icon names no icon: "nope""#),
        (item("workflow", #""workflow":{"tasks":[{"type":"thought"}]}"#), "item.workflow.tasks[0].content is missing"),
        (
            item("workflow", #""workflow":{"summary":{"duration":"x"}}"#),
            "item.workflow.summary.duration must be a whole number of seconds"
        ),
    ])
    func refusalNamesThePlace(_ text: String, _ sentence: String) throws {
        let json = try JSON.parse(text)
        let error = #expect(throws: ChatKit.DecodingError.self) { try ChatKit.Item(json: json) }
        #expect(error?.sentence == sentence)
    }

    private static func item(_ type: String, _ members: String) -> String {
        #"{"id":"a","thread_id":"t","created_at":"2026-11-21T07:54:56Z","type":"\#(type)"\#(members.isEmpty ? "" : ",")\#(members)}"#
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T07:54:56.914981Z", 1_795_247_696_914_981),
        ("2026-11-21T07:54:56.9", 1_795_247_696_900_000),
        ("2026-11-21T08:54:56.914981999+01:00", 1_795_247_696_914_981),
        ("1969-12-31T23:59:59.999999Z", -1), ("2000-02-29T00:00:00Z", 951_782_400_000_000),
    ])
    func timestampsAreRead(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(iso8601: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T07:54:56.Z",
        "2026-11-21T07:54:56.1234567890Z", "2026-11-21T07:54:56Zx", "2026-11-21T07:54:56+1", "２026-11-21T07:54:56Z",
    ])
    func otherTextIsNoTimestamp(_ text: String) { #expect(Timestamp(iso8601: text) == nil) }
}
