import Testing

@testable import AgentHost

struct FrameTests {
    /// `APR_TURN_TEXT` as a worker would send it.
    private func text(_ delta: [UInt8], token: UInt64 = 7) -> [UInt8] {
        PluginMessage(op: 65, item: 3, token: token, strings: [delta]).frame
    }

    @Test func framesComeOutWhicheverWayTheyAreCut() throws {
        let bytes =
            text(Array("one".utf8)) + text(Array("zwei é".utf8)) + text([])
            + PluginMessage(op: 67, item: 3, token: 7).frame + text(Array("three".utf8))
        let expected: [PluginEvent] = [
            .turnText(token: 7, item: 3, deltas("one", "zwei é")), .turnItemDone(token: 7, item: 3),
            .turnText(token: 7, item: 3, "three"),
        ]
        for size in 1...bytes.count {
            var reader = FrameReader()
            var events = PluginEventBatch()
            for start in stride(from: 0, to: bytes.count, by: size) {
                for event in try reader.feed(bytes[start..<min(start + size, bytes.count)]) { events.append(event) }
            }
            #expect(events.take() == expected)
        }
    }

    private func deltas(_ pieces: String...) -> ChatKit.TextDeltas {
        var deltas = ChatKit.TextDeltas()
        for piece in pieces { deltas.append(piece) }
        return deltas
    }

    @Test func textsOfDifferentItemsAndTurnsStayApart() throws {
        var reader = FrameReader()
        let events = try reader.feed(
            text(Array("a".utf8)) + text(Array("b".utf8)) + text(Array("c".utf8), token: 8)
                + PluginMessage(op: 65, item: 4, token: 8, strings: [Array("d".utf8)]).frame)
        #expect(
            events == [
                .turnText(token: 7, item: 3, deltas("a", "b")), .turnText(token: 8, item: 3, "c"),
                .turnText(token: 8, item: 4, "d"),
            ])
    }

    @Test func textThatIsNotUTF8IsRepaired() throws {
        var reader = FrameReader()
        #expect(try reader.feed(text([0x61, 0xFF])) == [.turnText(token: 7, item: 3, "a\u{FFFD}")])
    }

    @Test func unknownOperationsAreLeftOut() throws {
        var reader = FrameReader()
        #expect(try reader.feed(PluginMessage(op: 999).frame).isEmpty)
    }

    @Test(
        arguments: [
            [0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 65],
        ] as [[UInt8]])
    func whatIsNoFrameIsRefused(_ bytes: [UInt8]) {
        var reader = FrameReader()
        #expect(throws: FrameReader.Failure.noFrame) { try reader.feed(bytes + [UInt8](repeating: 0, count: 64)) }
    }

    @Test func damagedFramesAreSurvived() {
        let whole = text(Array("hello".utf8))
        for index in whole.indices {
            for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                var bytes = whole
                bytes[index] = value
                var reader = FrameReader()
                _ = try? reader.feed(bytes)
            }
        }
    }

    @Test func commandsKeepTheirStrings() {
        let command = PluginCommand.beginCall(
            token: 9, isBlocking: true, subject: "someone",
            ToolCallRequest(
                tool: ToolDescriptor(
                    plugin: "p.q", name: "add", exposedName: "x__add", title: "", description: "", inputSchema: [:]),
                arguments: ["a": 1], caller: ToolCaller(owner: OwnerKey("h:me"), threadID: "thr", locale: "de"),
                deadline: 5))
        let message = command.message
        #expect(
            message.strings.map { String(decoding: $0, as: UTF8.self) } == [
                "add", #"{"a":1}"#, "someone", "thr", "", "de",
            ])
        #expect(message.token == 9 && message.item == 1 && message.number == 5)
        #expect(message.frame.count == 4 + 2 + 2 + 4 + 8 + 8 + 1 + 6 * 4 + message.size)
    }
}
