import Testing

@testable import AgentHost

struct HTTPResponseTests {
    @Test func headIsWritten() throws {
        var bytes: [UInt8] = []
        try HTTPResponseHead(status: 200, fields: ["Content-Type": "text/plain"])
            .encode(into: &bytes, adding: Array("X: y\r\n".utf8))
        #expect(String(decoding: bytes, as: UTF8.self) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: y\r\n\r\n")
    }

    @Test(arguments: [
        ("X", "a\r\nSet-Cookie: b"), ("X", "a\0"), ("X", "a\nb"), ("X\r\nY", "a"), ("X Y", "a"), ("", "a"),
    ])
    func splittingIsRefused(_ name: String, _ value: String) {
        var bytes: [UInt8] = []
        #expect(throws: HTTPError.invalidField) {
            try HTTPResponseHead(status: 200, fields: [name: value]).encode(into: &bytes)
        }
        #expect(bytes.isEmpty)
    }

    @Test func chunksAreWritten() {
        var bytes: [UInt8] = []
        HTTPChunks.append(Array("abc".utf8), to: &bytes)
        HTTPChunks.append([], to: &bytes)
        HTTPChunks.append([UInt8](repeating: 120, count: 26), to: &bytes)
        HTTPChunks.appendEnd(to: &bytes)
        let expected = "3\r\nabc\r\n1a\r\n" + String(repeating: "x", count: 26) + "\r\n0\r\n\r\n"
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func datesAreWritten() {
        let date = HTTPDate.format(Timestamp(microseconds: 784_111_777_000_000))
        #expect(String(decoding: date, as: UTF8.self) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func errorsAreJSON() {
        let body = HTTPError(400, "odd", "He said \"no\".").body
        #expect(String(decoding: body, as: UTF8.self) == #"{"error":"He said \"no\".","code":"odd"}"#)
    }
}
