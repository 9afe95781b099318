import Synchronization
import Testing

@testable import AgentHost

struct EventStreamTests {
    /// Hands out batches as the test gives them.
    private final class Script: ChatEventSource {
        private struct State {
            var batches: [[ChatKit.Event]] = []
            var ended = false
            var left = 0
            var nudges = 0
            var reader: CheckedContinuation<Void, Never>?
            var nudged = false
        }
        private let state = Mutex(State())

        var left: Int { state.withLock { $0.left } }

        func give(_ batch: [ChatKit.Event]) { change { $0.batches.append(batch) } }
        func end() { change { $0.ended = true } }
        func leave() { change { $0.left += 1 } }
        func nudge() { change { if $0.reader != nil { $0.nudged = true } } }

        private func change(_ body: (inout State) -> Void) {
            let reader = state.withLock { state in
                body(&state)
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume()
        }

        func next() async -> [ChatKit.Event]? {
            while true {
                enum Found { case batch([ChatKit.Event]), end, nothing }
                let found: Found = state.withLock { state in
                    if !state.batches.isEmpty { return .batch(state.batches.removeFirst()) }
                    if state.nudged {
                        state.nudged = false
                        return .batch([])
                    }
                    return state.ended || Task.isCancelled ? .end : .nothing
                }
                switch found {
                case .batch(let batch): return batch
                case .end: return nil
                case .nothing: break
                }
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        let ready = state.withLock { state in
                            if !state.batches.isEmpty || state.ended || Task.isCancelled { return true }
                            state.reader = continuation
                            return false
                        }
                        if ready { continuation.resume() }
                    }
                } onCancel: {
                    change { _ in }
                }
            }
        }
    }

    private static func writer() -> ResponseWriter {
        let writer = ResponseWriter(
            ResponseState(version: .http10, omitsBody: false, ownFields: [], highWater: .max),
            canKeepAlive: { false }, changed: {})
        try? writer.beginStream(200, [:])
        _ = writer.takeOutput()
        return writer
    }

    private static func progress(_ text: String) -> ChatKit.Event { .progress(text: text, icon: nil) }

    /// Waits for what another task is about to do.
    private static func eventually(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<2_000 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    @Test func framing() async {
        let script = Script()
        script.give([EventStreamTests.progress("a\nb\r\u{2028}"), .streamOptions(allowCancel: true)])
        script.give([EventStreamTests.progress("é")])
        script.end()
        let writer = EventStreamTests.writer()
        let ended = await EventStream(source: script).run(into: writer)
        #expect(ended)
        #expect(script.left == 0)
        let expected = """
            data: {"type":"progress_update","text":"a\\nb\\r\u{2028}"}

            data: {"type":"stream_options","stream_options":{"allow_cancel":true}}

            data: {"type":"progress_update","text":"é"}


            """
        #expect(String(decoding: writer.takeOutput(), as: UTF8.self) == expected)
    }

    @Test func aCommentBreaksTheSilenceAndTheStreamGoesOn() async {
        let script = Script()
        let writer = EventStreamTests.writer()
        let run = Task { await EventStream(source: script, heartbeat: 10).run(into: writer) }
        let output = Mutex("")
        let beats = await EventStreamTests.eventually {
            output.withLock { output in
                output += String(decoding: writer.takeOutput(), as: UTF8.self)
                return output.hasPrefix(": ping\n\n: ping\n\n")
            }
        }
        #expect(beats)
        script.give([EventStreamTests.progress("x")])
        script.end()
        #expect(await run.value)
        let rest = output.withLock { $0 } + String(decoding: writer.takeOutput(), as: UTF8.self)
        #expect(rest.contains("data: {\"type\":\"progress_update\",\"text\":\"x\"}\n\n"))
    }

    @Test func aClientThatLeavesEndsTheWait() async {
        let script = Script()
        let writer = EventStreamTests.writer()
        let run = Task { await EventStream(source: script).run(into: writer) }
        run.cancel()
        #expect(await run.value == false)
    }

    @Test func theSourceIsLeftWhenNobodyReads() async {
        let script = Script()
        let writer = EventStreamTests.writer()
        writer.abandon()
        script.give([EventStreamTests.progress("x")])
        #expect(await EventStream(source: script).run(into: writer) == false)
        #expect(script.left == 1)
    }

    @Test func aSilentClientThatHasGoneIsNoticedByTheComment() async {
        let script = Script()
        let writer = EventStreamTests.writer()
        writer.abandon()
        #expect(await EventStream(source: script, heartbeat: 5).run(into: writer) == false)
        #expect(script.left == 1)
    }

    @Test func asOneDocument() async throws {
        let script = Script()
        script.give([EventStreamTests.progress("a"), EventStreamTests.progress("b")])
        script.give([.streamOptions(allowCancel: true)])
        script.end()
        let answer = try await EventDocument.collect(script)
        guard case .bytes(let bytes) = answer.content else {
            Issue.record("no document")
            return
        }
        let expected: JSON = [
            "events": [
                ["type": "progress_update", "text": "a"], ["type": "progress_update", "text": "b"],
                ["type": "stream_options", "stream_options": ["allow_cancel": true]],
            ]
        ]
        #expect(try JSON.parse(bytes) == expected)
    }

    @Test func aDocumentIsBounded() async {
        let script = Script()
        script.give([EventStreamTests.progress(String(repeating: "x", count: 1_000))])
        let error = await #expect(throws: Refusal.self) { try await EventDocument.collect(script, maximumSize: 500) }
        #expect(error?.code == "answer_too_large")
        #expect(script.left == 1)
    }
}
