import Testing

@testable import AgentHost

/// What servers of several makes send, read as one completion.
struct CompletionStreamTests {
    /// Everything that a stream said, in short.
    struct Said: Equatable {
        var text = ""
        var reasoning = ""
        /// `index id name arguments`
        var calls: [String] = []
        var end: ModelEnd?
        var fault: ModelFault.Kind?
    }

    private func read(_ events: [String], as stream: any CompletionStream) -> Said {
        var stream = stream
        var said = Said()
        var calls: [Int: (id: String, name: String, arguments: String)] = [:]
        func add(_ delta: ModelDelta) {
            switch delta {
            case .text(let text): said.text += text
            case .reasoning(let text): said.reasoning += text
            case .toolCall(let index, let id, let name, let arguments):
                var call = calls[index] ?? (id ?? "-", name ?? "-", "")
                call.arguments += arguments
                calls[index] = call
            }
        }
        do {
            for event in events {
                try stream.read(ServerSentEvent(data: Array(event.utf8))) { add($0) }
            }
            said.end = try stream.finish()
        } catch { said.fault = error.kind }
        said.calls = calls.sorted { $0.key < $1.key }.map {
            "\($0.key) \($0.value.id) \($0.value.name) \($0.value.arguments)"
        }
        return said
    }

    private func chat(_ events: String...) -> Said { read(events, as: ChatStream()) }
    private func responses(_ events: String...) -> Said { read(events, as: ResponsesStream()) }
    private func delta(_ json: String, _ reason: String? = nil) -> String {
        #"{"choices":[{"index":0,"delta":\#(json),"finish_reason":\#(reason.map { "\"\($0)\"" } ?? "null")}]}"#
    }
    private func call(_ json: String) -> String { delta(#"{"tool_calls":[\#(json)]}"#) }

    @Test func text() {
        let said = chat(
            delta(#"{"role":"assistant","content":"","refusal":null}"#), delta(#"{"content":"Hel"}"#),
            delta(#"{"content":"lo"}"#), delta("{}", "stop"),
            #"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#, "[DONE]")
        #expect(said == Said(text: "Hello", end: ModelEnd(finishReason: "stop", promptTokens: 9, completionTokens: 2)))
    }

    @Test func reasoningAndRefusal() {
        #expect(
            chat(delta(#"{"reasoning_content":"a"}"#), delta(#"{"reasoning":"b"}"#), delta("{}", "stop")).reasoning
                == "ab")
        #expect(
            chat(delta(#"{"reasoning_content":"a","reasoning":"a"}"#), delta("{}", "stop")).reasoning == "a",
            "said twice")
        #expect(chat(delta(#"{"refusal":"I can't."}"#), delta("{}", "stop")).text == "I can't.")
    }

    @Test func endings() {
        #expect(chat(delta(#"{"content":"a"}"#, "length")).end?.finishReason == "length")
        #expect(chat(delta("{}", "content_filter")).end?.finishReason == "content_filter")
        #expect(chat(delta(#"{"content":"a"}"#)).fault == .brokenOff, "no reason")
        #expect(chat(delta(#"{"content":"a"}"#), "[DONE]").fault == .brokenOff)
        #expect(chat().fault == .brokenOff)
        #expect(chat(delta("{}", "stop"), " [DONE] ", "rubbish behind the end").end?.finishReason == "stop")
        #expect(
            chat(call(#"{"index":0,"function":{"name":"f","arguments":""}}"#), delta("{}", "stop")).end?.finishReason
                == "tool_calls")
    }

    @Test func callsInPieces() {
        let said = chat(
            call(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            call(#"{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}"#),
            call(#"{"index":0,"function":{"arguments":"{\"x\""}}"#), call(#"{"index":1,"function":{"arguments":"}"}}"#),
            call(#"{"index":0,"function":{"arguments":":1}"}}"#), delta("{}", "tool_calls"))
        #expect(said.calls == [#"0 a f {"x":1}"#, "1 b g {}"])
        #expect(said.end?.finishReason == "tool_calls")
    }

    @Test func strangeNumbersAndIDs() {
        // Gaps in the indexes.
        #expect(
            chat(
                call(#"{"index":7,"id":"a","function":{"name":"f","arguments":"1"}}"#),
                call(#"{"index":1007,"id":"b","function":{"name":"g","arguments":"2"}}"#),
                call(#"{"index":7,"function":{"arguments":"3"}}"#), delta("{}", "stop")
            ).calls == ["0 a f 13", "1 b g 2"])
        // Ids twice.
        #expect(
            chat(
                call(#"{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}"#),
                call(#"{"index":1,"id":"a","function":{"name":"g","arguments":"2"}}"#), delta("{}", "stop")
            ).calls == ["0 a f 1", "1 a g 2"])
        // No ids.
        #expect(
            chat(
                call(#"{"index":0,"function":{"name":"f","arguments":"1"}}"#),
                call(#"{"index":0,"function":{"arguments":"2"}}"#),
                delta("{}", "stop")
            ).calls == ["0 - f 12"])
        // All calls whole, under one index or none.
        for index in [#""index":0,"#, ""] {
            #expect(
                chat(
                    call(#"{\#(index)"id":"a","function":{"name":"f","arguments":"1"}}"#),
                    call(#"{\#(index)"id":"b","function":{"name":"f","arguments":{"x":2}}}"#), delta("{}", "stop")
                ).calls == ["0 a f 1", #"1 b f {"x":2}"#])
        }
        // Id and name again with every piece.
        #expect(
            chat(
                call(#"{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}"#),
                call(#"{"index":0,"id":"a","function":{"name":"f","arguments":"2"}}"#), delta("{}", "stop")
            ).calls == ["0 a f 12"])
    }

    @Test(arguments: [
        "", "x", "{", #"{"choices":[{"delta":{"content":"br"#, #"{"choices":[{"index":1e400}]}"#, #"{"a":NaN}"#, "[]",
        "5",
        String(repeating: #"{"a":"#, count: 100) + "1" + String(repeating: "}", count: 100),
    ]) func whatIsNoJSONEndsIt(_ event: String) {
        let said = chat(delta(#"{"content":"good"}"#), event, delta("{}", "stop"))
        #expect(said.text == "good" && said.fault == .unreadable)
    }

    @Test(arguments: [
        #"{"choices":5}"#, #"{"choices":[5]}"#, #"{"choices":[{"delta":5}]}"#,
        #"{"choices":[{"delta":{"content":5,"tool_calls":7}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[5,{"index":"x","function":7}]}}]}"#, #"{"usage":7}"#, "{}",
        #"{"error":null}"#,
        #"{"choices":[{"index":1,"delta":{"content":"another choice"}}]}"#,
    ]) func wrongTypesDoNoHarm(_ event: String) {
        let said = chat(delta(#"{"content":"good"}"#), event, delta("{}", "stop"))
        #expect(said.text == "good" && said.fault == nil)
    }

    @Test func errorsInTheStream() {
        #expect(
            chat(#"{"error":{"message":"boom sk-secret","type":"server_error","code":null}}"#).fault == .unavailable)
        #expect(chat(#"{"error":{"code":"insufficient_quota"}}"#).fault == .quota)
        #expect(responses(#"{"type":"error","code":"rate_limit_exceeded","message":"x"}"#).fault == .rateLimited)
        #expect(
            responses(#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#).fault == .unavailable
        )
        #expect(responses(#"{"error":{"code":"context_length_exceeded"}}"#).fault == .tooLong)
    }

    @Test func responsesTextReasoningAndUsage() {
        let said = responses(
            #"{"type":"response.created","response":{}}"#,
            #"{"type":"response.reasoning_summary_text.delta","delta":"hm"}"#,
            #"{"type":"response.output_text.delta","output_index":1,"delta":"Hel"}"#,
            #"{"type":"response.output_text.delta","output_index":1,"delta":"lo"}"#,
            #"{"type":"response.output_text.done","text":"Hello"}"#,
            #"{"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4}}}"#)
        #expect(
            said
                == Said(
                    text: "Hello", reasoning: "hm",
                    end: ModelEnd(finishReason: "stop", promptTokens: 3, completionTokens: 4)))
        #expect(
            responses(#"{"type":"response.refusal.delta","delta":"no"}"#, #"{"type":"response.completed"}"#).text
                == "no")
        #expect(responses(#"{"type":"response.output_text.delta","delta":"a"}"#).fault == .brokenOff)
        #expect(responses(#"{"no":"type"}"#).fault == .unreadable)
        for (why, reason) in [("max_output_tokens", "length"), ("content_filter", "content_filter")] {
            #expect(
                responses(#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"\#(why)"}}}"#)
                    .end?
                    .finishReason == reason)
        }
    }

    @Test func responsesCalls() {
        let item = { (place: Int, id: String, arguments: String, event: String) in
            #"{"type":"response.output_item.\#(event)","output_index":\#(place),"item":{"type":"function_call","id":"fc","call_id":"\#(id)","name":"f","arguments":"\#(arguments)"}}"#
        }
        let piece = { (place: Int, text: String, event: String, key: String) in
            #"{"type":"response.function_call_arguments.\#(event)","output_index":\#(place),"\#(key)":"\#(text)"}"#
        }
        let end = #"{"type":"response.completed","response":{}}"#
        // In pieces, interleaved; the whole that follows is not said again.
        let said = responses(
            item(1, "a", "", "added"), item(2, "b", "", "added"), piece(2, "12", "delta", "delta"),
            piece(1, "3", "delta", "delta"),
            piece(1, "3", "done", "arguments"), item(1, "a", "3", "done"), item(2, "b", "12", "done"), end)
        #expect(said.calls == ["0 a f 3", "1 b f 12"])
        #expect(said.end?.finishReason == "tool_calls")
        // Only the whole.
        #expect(responses(item(0, "a", "", "added"), piece(0, "7", "done", "arguments"), end).calls == ["0 a f 7"])
        #expect(responses(item(0, "a", "7", "done"), end).calls == ["0 a f 7"])
    }

    @Test func wholeDocumentsAreReadToo() throws {
        var said: [ModelDelta] = []
        var chat = ChatStream()
        try chat.readWhole(
            try JSON.parse(
                #"{"choices":[{"message":{"content":"a","tool_calls":[{"id":"i","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1}}"#
            )
        ) { said.append($0) }
        #expect(said == [.text("a"), .toolCall(index: 0, id: "i", name: "f", arguments: "{}")])
        #expect(chat.end?.promptTokens == 1)
        said = []
        var responses = ResponsesStream()
        try responses.readWhole(
            try JSON.parse(
                #"{"output":[{"type":"reasoning","summary":[{"text":"r"}]},{"type":"message","content":[{"text":"a"}]},{"type":"function_call","call_id":"i","name":"f","arguments":"{}"}]}"#
            )
        ) { said.append($0) }
        #expect(
            said == [
                .reasoning("r"), .text("a"), .toolCall(index: 0, id: "i", name: "f", arguments: ""),
                .toolCall(index: 0, id: nil, name: nil, arguments: "{}"),
            ])
        for document in ["{}", #"{"choices":[]}"#, #"{"output":5}"#, #"{"error":{"code":"x"}}"#] {
            #expect(throws: ModelFault.self) { try chat.readWhole(try JSON.parse(document)) { _ in } }
            #expect(throws: ModelFault.self) { try responses.readWhole(try JSON.parse(document)) { _ in } }
        }
    }
}
