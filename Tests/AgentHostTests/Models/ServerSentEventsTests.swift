import Testing

@testable import AgentHost

/// Event streams, legal and not, in pieces of every size.
struct ServerSentEventsTests {
    /// Data of the events, with the type in front when there is one.
    private func read(_ pieces: [[UInt8]], limit: Int = 1_000) throws -> [String] {
        var parser = ServerSentEvents(limit: limit)
        var found: [String] = []
        for piece in pieces {
            var position = 0
            while let event = try parser.next(piece.span, &position) {
                let type = event.type.isEmpty ? "" : String(decoding: event.type, as: UTF8.self) + "="
                found.append(type + String(decoding: event.data, as: UTF8.self))
            }
            #expect(position == piece.count)
        }
        return found
    }

    static let streams: [(String, [String])] = [
        ("data: a\n\n", ["a"]), ("data:a\n\ndata:  b\n\n", ["a", " b"]),
        ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["a", "b", "c"]),
        ("data: a\ndata: b\ndata\n\n", ["a\nb\n"]), (": ping\n\n:\n\ndata: a\n: x\n\n", ["a"]),
        ("event: t\nid: 7\nretry: 5\ndata: a\n\ndata: b\n\n", ["t=a", "b"]),
        ("event: ping\nid: 7\n\ndata: a\n\n", ["a"]),
        ("\u{FEFF}data: a\n\n", ["a"]), ("\u{FEFF}\u{FEFF}data: a\n\n", []), ("\0\0\0\n\ndata: a\n\n", ["a"]),
        ("data: a", []), ("data: a\n", []), ("data: a\n\ndata: b\n", ["a"]), ("", []), ("\n\n\n", []),
        ("dataa: x\ndat: x\nDATA: x\n data: x\n\n", []), ("data\n\n", [""]), ("data:\n\n", [""]),
        ("data: é漢\n\n", ["é漢"]),
        ("event: a\nevent: b\ndata: x\n\n", ["b=x"]), ("data: a\r\n\ndata: b\n\n", ["a", "b"]),
    ]

    @Test(arguments: streams) func whereverItIsCut(_ text: String, _ expected: [String]) throws {
        let bytes = Array(text.utf8)
        #expect(try read([bytes]) == expected)
        #expect(try read(bytes.map { [$0] }) == expected, "byte by byte")
        for cut in 0...bytes.count {
            #expect(try read([Array(bytes[..<cut]), [], Array(bytes[cut...])]) == expected, "cut at \(cut)")
        }
    }

    @Test func eventsAreBounded() throws {
        let line = "data: " + String(repeating: "a", count: 94)
        #expect(try read([Array((line + "\n\n").utf8)], limit: 100).count == 1)
        for text in ["x" + line, line + "a\n\n", line + "\n" + line + "\n\n", "event: " + line] {
            #expect(throws: ServerSentEvents.TooLarge.self) { try read([Array(text.utf8)], limit: 100) }
            #expect(throws: ServerSentEvents.TooLarge.self) { try read(text.utf8.map { [$0] }, limit: 100) }
        }
        let many = String(repeating: ": " + String(repeating: "c", count: 90) + "\n", count: 100)
        #expect(try read([Array((many + "data: a\n\n").utf8)], limit: 100) == ["a"], "comments are not kept")
    }
}
