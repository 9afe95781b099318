import Testing

@testable import AgentHost

struct CompletionBodyTests {
    private let request = ModelRequest(
        model: "ignored",
        messages: [
            ["role": "system", "content": "Be kind."], ["role": "user", "content": "Hi"],
            [
                "role": "assistant", "content": nil,
                "tool_calls": [["id": "c1", "type": "function", "function": ["name": "f", "arguments": "{\"x\":1}"]]],
            ],
            ["role": "tool", "tool_call_id": "c1", "content": "done"],
            [
                "role": "user",
                "content": [["type": "text", "text": "see"], ["type": "image_url", "image_url": ["url": "data:x"]]],
            ],
        ],
        tools: [
            ["type": "function", "function": ["name": "f", "description": "d", "parameters": ["type": "object"]]]
        ],
        toolChoice: ["type": "function", "function": ["name": "f"]],
        settings: ["temperature": 0.5, "max_tokens": 9, "stream": false, "model": "evil", "store": true, "top_p": nil],
        deadline: 0)

    @Test func chat() throws {
        let body = try JSON.parse(CompletionBody.chat(request, model: "m", countsTokens: true))
        #expect(body["model"] == "m")
        #expect(body["stream"] == true)
        #expect(body["stream_options"] == ["include_usage": true])
        #expect(body["tools"] == .array(request.tools))
        #expect(body["tool_choice"] == request.toolChoice)
        #expect(body["temperature"] == 0.5)
        #expect(body["max_tokens"] == 9)
        #expect(body["store"] == nil && body["top_p"] == nil)
        #expect(body["messages"]?.array?[2]["content"] == "", "null beside calls makes some servers fail")
        #expect(body["messages"]?.array?.count == 5)
        var plain = request
        plain.tools = []
        let without = try JSON.parse(CompletionBody.chat(plain, model: "m", countsTokens: false))
        #expect(without["tools"] == nil && without["stream_options"] == nil)
    }

    @Test func responses() throws {
        let body = try JSON.parse(CompletionBody.responses(request, model: "m"))
        #expect(body["model"] == "m")
        #expect(body["stream"] == true && body["store"] == false)
        #expect(body["max_output_tokens"] == 9 && body["max_tokens"] == nil)
        #expect(body["tool_choice"] == ["type": "function", "name": "f"])
        #expect(
            body["tools"] == [
                [
                    "type": "function", "name": "f", "description": "d", "parameters": ["type": "object"],
                    "strict": false,
                ]
            ])
        #expect(
            body["input"] == [
                ["role": "system", "content": "Be kind."], ["role": "user", "content": "Hi"],
                ["type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"x\":1}"],
                ["type": "function_call_output", "call_id": "c1", "output": "done"],
                [
                    "role": "user",
                    "content": [
                        ["type": "input_text", "text": "see"], ["type": "input_image", "image_url": "data:x"],
                    ],
                ],
            ])
    }
}

struct ModelFaultTests {
    /// 1994-11-06T08:49:00Z
    private let now = Timestamp(microseconds: 784_111_740_000_000)

    @Test(
        arguments: [
            ("Retry-After", "1", 1_000), ("retry-after-ms", "300", 300),
            ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT", 37_000),
            ("Retry-After", "Sun, 06 Nov 1994 08:48:00 GMT", 0), ("Retry-After", "86400", 86_400_000),
            ("Retry-After", "-1e999soon", nil), ("Retry-After", "-5", nil), ("Retry-After", "", nil),
            ("Retry-After", "1.5", nil),
            ("Retry-After", "Sun, 31 Feb 1994 08:49:37 GMT", nil), ("X", "1", nil),
            ("Retry-After", "9223372036854775807", 1_099_511_627_776_000),
        ] as [(String, String, Int64?)]) func whenToComeBack(_ name: String, _ value: String, _ expected: Int64?)
    {
        var fields: HTTPFields = [:]
        fields.append(name, value)
        #expect(ModelFault.retryAfter(fields, now: now) == expected)
    }

    @Test func whatAServerSaysIsNotRepeated() {
        for body in [
            #"{"error":{"message":"Incorrect API key provided: sk-secret","type":"x","code":"sk-secret"}}"#,
            #"{"error":{"code":"a b\nc","type":"\#(String(repeating: "x", count: 65))"}}"#, "sk-secret", "",
        ] {
            var head = UpstreamHead(status: 401)
            head.fields = ["x-request-id": "sk-secret"]
            let fault = ModelFault(head, body: Array(body.utf8), now: now)
            #expect(fault.kind == .key)
            #expect(!fault.detail.contains("secret") && !fault.detail.contains("\n") && !fault.detail.contains("xxx"))
            guard case .explained(let why) = fault.failure else {
                Issue.record("no explanation")
                return
            }
            #expect(!why.allowRetry && why.code == "model_rejected" && !why.sentence.contains("secret"))
        }
    }

    /// Every code is one of the documented ones, every sentence says what to do.
    @Test func codesAndSentences() {
        let kinds: [ModelFault.Kind] = [
            .unavailable, .rateLimited, .quota, .key, .unknownModel, .tooLong, .refused(400), .redirected, .untrusted,
            .silent(began: true, 1_000), .silent(began: false, 1_000), .brokenOff, .unreadable,
        ]
        for kind in kinds {
            guard case .explained(let why) = ModelFault(kind).failure else {
                Issue.record("\(kind) has no explanation")
                continue
            }
            #expect(TurnErrorCode(rawValue: why.code) != nil, "\(why.code)")
            #expect(why.sentence.contains(why.allowRetry ? "try again" : ";"), "\(why.sentence)")
        }
    }

    @Test func secretsAreNotShown() {
        let secret = Secret("sk-canary")
        var dumped = ""
        dump(ModelConfiguration.Provider(name: "a", baseURL: "b", key: secret, model: "m"), to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])"] {
            #expect(!text.contains("canary"))
        }
    }
}
