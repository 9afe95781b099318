import Synchronization
import Testing

@testable import AgentHost

struct EventStreamTests {
    /// Hands out batches as the test gives them.
    private final class Script: ChatEventSource {
        private struct State {
            var batches: [[ChatKit.Event]] = []
            var isOver = false
            var left = 0
            var isDropped = false
            var ready: (@Sendable () -> Void)?
        }
        private let state = Mutex(State())
        let cursor: EventCursor?

        init(cursor: EventCursor? = nil) { self.cursor = cursor }

        var left: Int { state.withLock { $0.left } }

        func give(_ batch: [ChatKit.Event]) { change { $0.batches.append(batch) } }
        func end() { change { $0.isOver = true } }
        func drop() { change { $0.isDropped = true } }
        func leave() { state.withLock { $0.left += 1 } }
        func onReady(_ ready: @escaping @Sendable () -> Void) { state.withLock { $0.ready = ready } }

        private func change(_ body: (inout State) -> Void) {
            let ready = state.withLock { state in
                body(&state)
                return state.ready
            }
            ready?()
        }

        func take(limit: Int) -> Taken {
            state.withLock { state in
                guard state.batches.isEmpty else { return .events(state.batches.removeFirst()) }
                return state.isDropped ? .dropped : state.isOver ? .end : .nothing
            }
        }
    }

    /// What a stream said at its end.
    private struct End: Equatable {
        var complete: Bool
        var threadID: String?
    }

    private static func stream(
        _ script: Script, ends: BlockingQueue<End> = BlockingQueue(), threadID: String? = nil
    ) -> EventStream {
        EventStream(script, heartbeat: 10, threadID: threadID) { ends.push(End(complete: $0, threadID: $1)) }
    }

    /// Reads until there is nothing more.
    private static func read(_ stream: EventStream) -> (text: String, last: ResponseProgress) {
        var bytes: [UInt8] = []
        while true {
            let progress = stream.read(into: &bytes, limit: 1_000)
            if case .more = progress { continue }
            return (String(decoding: bytes, as: UTF8.self), progress)
        }
    }

    private static func progress(_ text: String) -> ChatKit.Event { .progress(text: text, icon: nil) }

    @Test func framing() {
        let script = Script()
        script.give([EventStreamTests.progress("a\nb\r\u{2028}"), .streamOptions(allowCancel: true)])
        script.give([EventStreamTests.progress("é")])
        script.end()
        let (text, last) = EventStreamTests.read(EventStreamTests.stream(script))
        guard case .ended = last else {
            Issue.record("the stream has not ended")
            return
        }
        let expected = """
            data: {"type":"progress_update","text":"a\\nb\\r\u{2028}"}

            data: {"type":"stream_options","stream_options":{"allow_cancel":true}}

            data: {"type":"progress_update","text":"é"}


            """
        #expect(text == expected)
    }

    @Test func everyDeltaIsAnEventOfItsOwn() {
        let script = Script()
        var deltas: ChatKit.TextDeltas = "one "
        deltas.append("\"two\"")
        deltas.append("")
        deltas.append("dreißig")
        script.give([.itemUpdated(id: "msg_1", .textDeltas(index: 0, deltas))])
        let (text, last) = EventStreamTests.read(EventStreamTests.stream(script))
        guard case .waiting = last else {
            Issue.record("the stream has ended")
            return
        }
        let begin =
            #"data: {"type":"thread.item.updated","item_id":"msg_1","update":"#
            + #"{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"#
        #expect(
            text == begin + #""one "}}"# + "\n\n" + begin + #""\"two\""}}"# + "\n\n" + begin + #""dreißig"}}"# + "\n\n")
    }

    @Test func eachEventOnTheWireHasAnIdForThoseWhoComeBack() {
        let script = Script(cursor: EventCursor(turn: "turn_1", number: 8))
        var deltas: ChatKit.TextDeltas = "a"
        deltas.append("\n")
        script.give([EventStreamTests.progress("x"), .itemUpdated(id: "m", .textDeltas(index: 0, deltas))])
        script.give([EventStreamTests.progress("y")])
        let stream = EventStreamTests.stream(script)
        var (text, _) = EventStreamTests.read(stream)
        let delta =
            #"data: {"type":"thread.item.updated","item_id":"m","update":"#
            + #"{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"#
        #expect(
            text == """
                id: turn_1.9
                data: {"type":"progress_update","text":"x"}

                id: turn_1.10
                \(delta)"a"}}

                id: turn_1.11
                \(delta)"\\n"}}

                id: turn_1.12
                data: {"type":"progress_update","text":"y"}


                """)
        script.give([EventStreamTests.progress("z")])
        (text, _) = EventStreamTests.read(stream)
        #expect(text.hasPrefix("id: turn_1.13\ndata: "))
    }

    /// An orderly end would be taken for the end of the turn.
    @Test func aReaderThatWasTooSlowIsCutOff() async {
        let script = Script()
        script.give([EventStreamTests.progress("x")])
        script.drop()
        let (_, last) = EventStreamTests.read(EventStreamTests.stream(script))
        guard case .broken = last else {
            Issue.record("the stream looks complete")
            return
        }
        let error = await #expect(throws: Refusal.self) { try await EventDocument.collect(script) }
        #expect(error?.code == "answer_too_large")
    }

    @Test func aHeartbeatIsAComment() {
        var bytes: [UInt8] = []
        EventStreamTests.stream(Script()).writeHeartbeat(into: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == ": ping\n\n")
    }

    @Test func theConnectionIsToldWhenThereIsSomethingAgain() {
        let script = Script()
        let stream = EventStreamTests.stream(script)
        let calls = Atomic(0)
        stream.begin { calls.add(1, ordering: .relaxed) }
        script.give([EventStreamTests.progress("x")])
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test func theSourceIsLeftWhenTheClientLeaves() {
        let script = Script()
        let ends = BlockingQueue<End>()
        let stream = EventStreamTests.stream(script, ends: ends, threadID: "thr_1")
        stream.ended(complete: false)
        #expect(script.left == 1)
        #expect(ends.takeAll() == [End(complete: false, threadID: "thr_1")])
    }

    @Test func aStreamThatMakesAThreadNamesItInTheEnd() {
        let script = Script()
        let ends = BlockingQueue<End>()
        let thread = ChatKit.Thread(id: "thr_2", createdAt: .now())
        script.give([.threadCreated(thread)])
        let stream = EventStreamTests.stream(script, ends: ends)
        _ = EventStreamTests.read(stream)
        stream.ended(complete: true)
        #expect(script.left == 0)
        #expect(ends.takeAll() == [End(complete: true, threadID: "thr_2")])
    }

    @Test func aReaderInATaskWaitsAndIsWoken() async {
        let script = Script()
        let reader = ChatEventReader(script)
        let read = Task { await reader.next()?.names }
        script.give([EventStreamTests.progress("x")])
        #expect(await read.value == ["progress x"])
        script.end()
        #expect(await reader.next() == nil)
        #expect(script.left == 0)
    }

    @Test func aReaderWhoseTaskIsCancelledLeaves() async {
        let script = Script()
        let reader = ChatEventReader(script)
        let read = Task { await reader.next() }
        read.cancel()
        #expect(await read.value == nil)
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
