import Foundation
import Testing

/// Every fault that `Tests/Models/fake_llm.py` can play, through the real host: what was good is shown, the end is one and says what to
/// do, the thread goes on, and no secret is seen.
struct ModelFaultTests {
    /// What a client gets to see of a mode.
    struct Expected: Sendable {
        /// Parts of the answer.
        var texts: [String] = []
        /// Code and retry flag of the error event; nil: there is none.
        var error: (code: String, allowRetry: Bool)?
        /// What the person says.
        var message = "say 40"
        /// Where the Responses API differs.
        var responses: (texts: [String], error: (code: String, allowRetry: Bool)?)?

        static func answer(_ texts: String..., saying message: String = "say 40") -> Expected {
            Expected(texts: texts, message: message)
        }
        static func error(_ code: String, _ allowRetry: Bool, behind texts: String...) -> Expected {
            Expected(texts: texts, error: (code, allowRetry))
        }
    }

    private static let calls = "call add_task {\"title\": \"buy milk and bread\"}\ncall list_tasks {}"
    private static let whole = Expected.answer("w0 w1 ", " w39")
    private static let called = Expected.answer("Tool said: ", "milk and bread", saying: calls)
    private static let repaired = Expected.answer("Tool said: ", saying: "hi")

    static let table: [(mode: String, expected: Expected)] = [
        ("ok", whole), ("empty", .answer("no answer")), ("reasoning", .answer("Done.")),
        ("refusal", .answer("I can't help")),
        ("length", .answer("This answer is cut off")),
        ("content_filter", Expected(texts: ["content filter"], responses: (["no answer"], nil))),
        ("unicode", .answer("Grüße 👩‍👩‍👧‍👦 e\u{301} \u{202E}txet\u{202C} \u{2028} \u{0} \u{FEFF} 漢字 🇩🇪")),
        ("400", .error("model_rejected", false)), ("401", .error("model_rejected", false)),
        ("403", .error("model_rejected", false)), ("404", .error("model_rejected", false)),
        ("500", .error("model_unavailable", true)), ("503", .error("model_unavailable", true)),
        ("429", .error("model_rate_limited", true)), ("429_ms", .error("model_rate_limited", true)),
        ("429_long", .error("model_rejected", false)), ("429_date", .error("model_rate_limited", true)),
        ("429_junk", .error("model_rate_limited", true)), ("flaky:429_ms:2", whole), ("flaky:500:2", whole),
        ("flaky:reset_before:1", whole), ("flaky:reset_mid:1", .error("model_failed", true, behind: "w0 w1 ")),
        ("hang_before", .error("model_timeout", true)), ("hang_headers", .error("model_timeout", true)),
        ("hang_mid", .error("model_timeout", true, behind: "w0 w1 ")), ("drip", .answer("You said: hi", saying: "hi")),
        ("close_before", .error("model_failed", true)), ("reset_before", .error("model_failed", true)),
        ("reset_mid", .error("model_failed", true, behind: "w0 ")),
        ("truncated", .error("model_failed", true, behind: "w0 w1 ")),
        ("truncated_args", Expected(error: ("model_failed", true), message: calls)),
        ("malformed", .error("model_failed", true, behind: "w0 w1 ")),
        ("nan", .error("model_failed", true, behind: "w0 w1 ")),
        ("bad_utf8", .error("model_failed", true, behind: "w0 w1 ")), ("nul_bytes", whole),
        ("deep_json", .error("model_failed", true)), ("garbage", .error("model_failed", true)),
        ("gzip_lie", .error("model_failed", true)), ("wrong_length", .error("model_failed", true)),
        ("not_sse", Expected(texts: ["not a stream"], responses: ([], ("model_failed", true)))),
        ("html_502", .error("model_unavailable", true)), ("redirect", .error("model_rejected", false)),
        ("error_mid", .error("model_unavailable", true, behind: "w0 w1 ")), ("comments", whole), ("sse_extras", whole),
        ("multi_data", whole), ("crlf", whole), ("bytewise", whole), ("utf8_split", whole), ("no_done", whole),
        ("empty_choices", whole), ("huge", .error("output_limit", true, behind: "0123456789abcdef")),
        ("big_line", .error("output_limit", true)), ("tool_split", called), ("tool_interleaved", called),
        ("tool_unknown", repaired),
        ("tool_name_evil", repaired), ("tool_bad_json", repaired), ("tool_not_object", repaired),
        ("tool_empty_args", repaired),
        ("tool_wrong_types", repaired), ("tool_deep_args", repaired), ("tool_huge_args", repaired),
        ("tool_dup_id", called),
        ("tool_no_id", called), ("tool_index_gap", called),
        ("tool_loop", Expected(error: ("bad_tool_calls", true), message: "hi")),
        ("tool_many50", .answer("Done.", saying: "hi")),
    ]

    /// What came of one mode.
    struct Outcome: Sendable {
        var mode: String
        var isComplete = false
        var shown = ""
        var errors: [String] = []
        var errorIsLast = false
        var body = ""
        var next = ""
    }

    private func play(_ mode: String, _ expected: Expected, at host: ServerProcess) -> Outcome {
        var outcome = Outcome(mode: mode)
        let client = host.client(user: "u-\(mode.hashValue.magnitude)")
        guard let stream = try? client.create(expected.message, agent: "TodoTasks", model: "fault:" + mode) else {
            return outcome
        }
        let response = stream.readToEnd()
        outcome.isComplete = response.isComplete && response.status == 200
        outcome.shown = response.texts.joined()
        outcome.body = String(decoding: response.body, as: UTF8.self)
        for event in response.events where event.type == "error" {
            let sentence = event.json["message"] as? String ?? ""
            outcome.errors.append("\(event.json["code"] ?? "") \(event.json["allow_retry"] ?? "") \(sentence)")
        }
        outcome.errorIsLast = response.events.last?.type == "error"
        if let thread = response.threadID {
            outcome.next = (try? client.say("and now", in: thread))?.texts.joined() ?? ""
        }
        return outcome
    }

    @Test(arguments: ["chat", "responses"]) func everyModeEndsWell(api: String) throws {
        let fake = try FakeModelServer()
        let modes = try fake.modes()
        let known = Set(Self.table.map(\.mode) + ["flaky:429:2"])
        #expect(modes.count > 60 && modes.allSatisfy { known.contains($0) }, "every mode has its row")
        try play(
            Self.table.filter { !$0.mode.hasPrefix("hang") }, api, fake, at: try fake.host(["AGENTHOST_MODEL_API": api])
        )
    }

    /// By themselves, with little patience: nothing else makes the server slow then.
    @Test(arguments: ["chat", "responses"]) func silenceHasAnEnd(api: String) throws {
        let fake = try FakeModelServer()
        let host = try fake.host([
            "AGENTHOST_MODEL_API": api, "AGENTHOST_MODEL_FIRST_BYTE_SECONDS": "3", "AGENTHOST_MODEL_IDLE_SECONDS": "3",
        ])
        try play(Self.table.filter { $0.mode.hasPrefix("hang") }, api, fake, at: host)
    }

    private func play(
        _ rows: [(mode: String, expected: Expected)], _ api: String, _ fake: FakeModelServer, at host: ServerProcess
    ) throws {
        for (index, outcome) in onThreads(rows, { play($0.mode, $0.expected, at: host) }).enumerated() {
            let expected = rows[index].expected
            let other = api == "responses" ? expected.responses : nil
            check(outcome, other?.texts ?? expected.texts, other.map(\.error) ?? expected.error)
        }
        let stats = try fake.control("stats")
        #expect(stats["trapped"] as? Int == 0, "redirects are not followed")
        for secret in [FakeModelServer.key, "sk-fake", "Bearer"] {
            #expect(!host.log.contains(secret), "\(secret) in the log")
        }
        #expect(host.stop() == 0)
    }

    private func check(_ outcome: Outcome, _ texts: [String], _ error: (code: String, allowRetry: Bool)?) {
        let mode = outcome.mode
        #expect(outcome.isComplete, "\(mode): the stream ends as it should")
        for text in texts { #expect(outcome.shown.contains(text), "\(mode): \(outcome.shown.prefix(200))") }
        if let error {
            #expect(outcome.errors.count == 1 && outcome.errorIsLast, "\(mode): one end \(outcome.errors)")
            let text = outcome.errors.first ?? ""
            #expect(text.hasPrefix("\(error.code) \(error.allowRetry ? 1 : 0) "), "\(mode): \(text)")
            #expect(text.hasSuffix("."), "\(mode): a sentence: \(text)")
        } else {
            #expect(outcome.errors.isEmpty, "\(mode): \(outcome.errors)")
        }
        #expect(outcome.next == "You said: and now", "\(mode): the thread goes on: \(outcome.next.prefix(200))")
        for secret in [FakeModelServer.key, "sk-fake", "canary"] {
            #expect(!outcome.body.contains(secret), "\(mode): \(secret) is shown")
        }
    }

    /// A client that leaves, wherever the answer is: the connection to the model goes too.
    @Test(arguments: ["hang_before", "hang_headers", "hang_mid", "drip", "503"]) func leavingReachesTheModel(
        mode: String
    ) throws {
        let fake = try FakeModelServer()
        let host = try fake.host()
        let stream = try host.client().create("say 40", agent: "TodoTasks", model: "fault:" + mode)
        let began = Date()
        while (try fake.control("stats")["requests"] as? Int ?? 0) == 0 {
            try #require(Date().timeIntervalSince(began) < 10)
        }
        if mode == "hang_mid" || mode == "drip" {
            #expect(stream.readUntil { $0.contains { $0.type == "thread.item.updated" } })
        }
        stream.cut()
        #expect(host.waitForLog(#""outcome":"cancelled""#))
        if mode == "503" {
            // Nothing is under way, but a second later the host would have tried again.
            usleep(1_500_000)
        } else {
            // One connection is that of the question itself.
            let left = Date()
            while (try fake.control("stats")["open"] as? Int ?? 0) > 1 {
                try #require(Date().timeIntervalSince(left) < 5)
            }
        }
        #expect(try fake.control("stats")["requests"] as? Int == 1, "nothing is asked again")
        #expect(host.stop() == 0)
    }
}
