import Testing

@testable import AgentHost

/// Feeds `bytes` in slices of `size` and tells what came of it, with the body in one piece.
func parsed(_ bytes: [UInt8], size: Int = .max, limits: HTTPLimits = HTTPLimits()) -> [String] {
    var parser = HTTPParser(limits: limits)
    var events: [String] = []
    var body: [UInt8] = []
    var start = 0
    while start < bytes.count {
        let slice = Array(bytes[start..<(size < bytes.count - start ? start + size : bytes.count)])
        start += slice.count
        var position = 0
        while let event = parser.next(slice.span, &position) {
            switch event {
            case .head(let request):
                events.append("\(request.method) \(request.target) \(request.framing) keep=\(request.keepsAlive)")
            case .body(let range): body += slice[range]
            case .end:
                events.append("end:" + String(decoding: body, as: UTF8.self))
                body = []
            case .failure(let error): events.append("\(error.status) \(error.code)")
            }
        }
        if position != slice.count { events.append("stuck at \(position)") }
    }
    return events
}

func parsed(_ text: String, size: Int = .max, limits: HTTPLimits = HTTPLimits()) -> [String] {
    parsed(Array(text.utf8), size: size, limits: limits)
}

/// What is refused, and how: the probes of `measurements.md` 1 and more of their kind.
let refusals: [(String, String)] = [
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400 ambiguous_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "400 ambiguous_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400 bad_content_length"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", "400 bad_transfer_encoding"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "400 bad_transfer_encoding"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "400 bad_transfer_encoding"),
    ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", "400 bad_transfer_encoding"),
    (
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 bad_transfer_encoding"
    ),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 bad_transfer_encoding"),
    ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400 bad_field_name"),
    ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length\t: 3\r\n\r\n", "400 bad_field_name"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", "400 bad_field_name"),
    ("GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", "400 bad_field_name"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX(y): z\r\n\r\n", "400 bad_field_name"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "400 folded_field"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", "400 folded_field"),
    ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400 folded_field"),
    ("GET / HTTP/1.1\nHost: h\n\n", "400 bare_lf"),
    ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", "400 bare_lf"),
    ("GET / HTTP/1.1\r\nHost: h\r\n\n", "400 bare_lf"),
    ("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "400 bare_lf"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "400 bare_cr"),
    ("GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", "400 bare_cr"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", "400 bad_field_value"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{1}b\r\n\r\n", "400 bad_field_value"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{7F}b\r\n\r\n", "400 bad_field_value"),
    ("GET / HTTP/1.1\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: a{b\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 bad_host"),
    ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "400 bad_host"),
    ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("GET /\r\n\r\n", "400 bad_request_line"),
    ("GET / http/1.1\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("GET / HTTP/1\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("GET / HTTP/1.1x\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("GET / a HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request_line"),
    ("\u{16}\u{3}\u{1}", "400 bad_request_line"),
    (" GET / HTTP/1.1\r\n", "400 bad_request_line"),
    ("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET /a\u{E9} HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("CONNECT /x HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("CONNECT http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_target"),
    ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 unsupported_version"),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 unsupported_version"),
    ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", "505 unsupported_version"),
    ("GET / HTTP/0.9\r\nHost: h\r\n\r\n", "505 unsupported_version"),
    ("POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n", "417 expectation_failed"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "x", count: 100_000) + "\r\n\r\n", "431 field_too_long"),
    ("GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\nHost: h\r\n\r\n", "414 target_too_long"),
]

private let chunkedHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

/// Chunked bodies that are refused: what follows the head, and how.
let chunkRefusals: [(String, String)] = [
    ("x\r\n", "400 bad_chunk"), ("\r\n", "400 bad_chunk"), ("+3\r\nabc\r\n", "400 bad_chunk"),
    ("-3\r\nabc\r\n", "400 bad_chunk"), ("0x3\r\nabc\r\n", "400 bad_chunk"), (" 3\r\nabc\r\n", "400 bad_chunk"),
    ("3 \r\nabc\r\n", "400 bad_chunk"), ("ffffffffffffffff\r\n", "400 bad_chunk"),
    ("10000000000000000\r\n", "400 bad_chunk"), ("3\nabc\r\n", "400 bare_lf"), ("3\r\nabcd\r\n", "400 bad_chunk"),
    ("3\r\nabc\n0\r\n\r\n", "400 bad_chunk"), ("3\r\nabc\r\r\n", "400 bad_chunk"), ("3;\0\r\nabc\r\n", "400 bad_chunk"),
    ("3;" + String(repeating: "e", count: 300) + "\r\nabc\r\n", "400 bad_chunk"),
    ("0\r\nX : y\r\n\r\n", "400 bad_field_name"), ("0\r\n X: y\r\n\r\n", "400 folded_field"),
    ("0\r\nX: y\n\r\n", "400 bare_lf"), ("0\r\nContent-Length: 3\r\n\r\n", "400 forbidden_trailer"),
    ("0\r\nHost: x\r\n\r\n", "400 forbidden_trailer"),
    ("0\r\nX: " + String(repeating: "x", count: 9_000) + "\r\n\r\n", "431 field_too_long"),
]

struct HTTPParserTests {
    // The tables are walked in a loop: as arguments of a test they would fill the log.

    @Test(arguments: [.max, 1, 2, 3, 7, 64])
    func refuses(size: Int) {
        for (text, expected) in refusals {
            #expect(parsed(text, size: size) == [expected], "\(text.prefix(200).debugDescription)")
        }
    }

    @Test(arguments: ["h", "h:8000", "h:", "127.0.0.1:1", "[::1]", "[fe80::1%25eth0]:80", "a.b-c_d", "xn--a%20b", ""])
    func takesHost(_ host: String) {
        #expect(
            parsed("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == ["GET / none keep=true", "end:"], "\(host)")
    }

    @Test(arguments: [.max, 1, 2, 3, 7])
    func refusesChunks(size: Int) {
        for (text, expected) in chunkRefusals {
            let events = parsed(chunkedHead + text, size: size)
            #expect(events == ["POST / chunked keep=true", expected], "\(text.prefix(200).debugDescription)")
        }
    }

    @Test(arguments: [.max, 1, 2, 3, 5, 11, 64])
    func accepts(size: Int) {
        let good: [(String, [String])] = [
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", ["GET / none keep=true", "end:"]),
            ("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", ["GET / none keep=true", "end:"]),
            (
                "GET /a?b=c|d[] HTTP/1.1\r\nHost: h:80\r\nConnection: x, Close\r\n\r\n",
                ["GET /a?b=c|d[] none keep=false", "end:"]
            ),
            ("GET / HTTP/1.0\r\n\r\n", ["GET / none keep=false", "end:"]),
            ("OPTIONS * HTTP/1.1\r\nhost:\r\n\r\n", ["OPTIONS * none keep=true", "end:"]),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", ["POST / length(3) keep=true", "end:abc"]),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", ["POST / length(0) keep=true", "end:"]),
            (
                chunkedHead + "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX-T: y\r\n\r\n",
                ["POST / chunked keep=true", "end:abc0123456789"]
            ),
            (chunkedHead.replacing("chunked", with: "Chunked") + "0\r\n\r\n", ["POST / chunked keep=true", "end:"]),
            (
                "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                    + "GET /3 HTTP/1.1\r\nHost: h\r\n\r\nG(",
                [
                    "POST /1 length(1) keep=true", "end:a", "GET /2 none keep=true", "end:", "GET /3 none keep=true",
                    "end:",
                ]
            ),
        ]
        for (text, expected) in good { #expect(parsed(text, size: size) == expected) }
    }

    @Test func splitsTargets() throws {
        func head(_ target: String) -> HTTPRequest? {
            var parser = HTTPParser()
            var position = 0
            let bytes = Array(
                "GET \(target) HTTP/1.1\r\nHost: h\r\nX-Request-ID: abc\r\nx-a: 1\r\nX-A:  2\t\r\n\r\n".utf8)
            guard case .head(let request) = parser.next(bytes.span, &position) else { return nil }
            return request
        }
        let plain = try #require(head("/a/b?c=d?e"))
        #expect(plain.path == "/a/b" && plain.query == "c=d?e" && plain.clientID == "abc")
        #expect(plain.fields["X-a"] == "1" && plain.fields.values("x-A") == ["1", "2"] && plain.fields["y"] == nil)
        let absolute = try #require(head("HTTP://host:80?q"))
        #expect(absolute.path == "/" && absolute.query == "q")
        #expect(head("https://host/x")?.path == "/x")
    }

    @Test func limitsHoldAtTheLimitAndBreakOneAbove() {
        var limits = HTTPLimits()
        limits.requestLine = 40
        limits.field = 30
        limits.fields = 100
        limits.fieldCount = 5
        limits.chunkLine = 8
        func text(line: Int = 20, field: Int = 20, count: Int = 1) -> String {
            let target = "/" + String(repeating: "a", count: line - "GET / HTTP/1.1".count)
            let fields = (1..<count).map { "A\($0): b\r\n" }.joined()
            return "GET \(target) HTTP/1.1\r\nHost: \(String(repeating: "h", count: field - 6))\r\n\(fields)\r\n"
        }
        for size in [.max, 1, 9] {
            func result(_ text: String) -> String? { parsed(text, size: size, limits: limits).last }
            #expect(result(text(line: 40)) == "end:")
            #expect(result(text(line: 41)) == "414 target_too_long")
            #expect(result(text(field: 30)) == "end:")
            #expect(result(text(field: 31)) == "431 field_too_long")
            #expect(result(text(count: 5)) == "end:")
            #expect(result(text(count: 6)) == "431 too_many_fields")
            let field = "X: " + String(repeating: "x", count: 26) + "\r\n"
            func sum(_ host: Int) -> String {
                "GET / HTTP/1.1\r\nHost: \(String(repeating: "h", count: host - 6))\r\n\(field)\(field)\(field)\r\n"
            }
            #expect(result(sum(13)) == "end:")
            #expect(result(sum(14)) == "431 fields_too_long")
            let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            #expect(result(head + "1;345678\r\na\r\n0\r\n\r\n") == "end:a")
            #expect(result(head + "1;3456789\r\na\r\n0\r\n\r\n") == "400 bad_chunk")
        }
    }

    /// Whatever is changed in a good stream, cutting it differently never changes what is understood.
    @Test func mutatedStreamsAreUnderstoodTheSameHoweverTheyAreCut() {
        let seed =
            "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n"
            + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.0\r\n\r\n"
        var random = SystemRandomNumberGenerator()
        let spice = Array("\r\n\0 \t:;,0fx/.\u{7F}".utf8)
        for _ in 0..<1_500 {
            var bytes = Array(seed.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = spice.randomElement(using: &random) ?? 0
                case 1: bytes.insert(spice.randomElement(using: &random) ?? 0, at: place)
                default: bytes.remove(at: place)
                }
            }
            let whole = parsed(bytes)
            #expect(parsed(bytes, size: 1) == whole, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            #expect(parsed(bytes, size: Int.random(in: 2...40, using: &random)) == whole)
        }
    }
}
