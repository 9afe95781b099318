import Testing

@testable import AgentHost

struct JSONTests {
    @Test(arguments: [
        #"{"a":[1,-2,3.5,true,false,null],"b":{"c":"x\ny"}}"#, #""é😀""#, "[]", "{}", "9223372036854775807",
    ])
    func roundTrip(_ text: String) throws {
        #expect(try JSON.parse(text).text == text)
    }

    @Test(arguments: [
        ("", JSONError.syntax), ("{", .syntax), ("[1] x", .syntax), ("\u{FEFF}{}", .syntax), (#""\ud800""#, .syntax),
        ("\"\u{1}\"", .syntax), ("9223372036854775808", .number), ("1e999", .number),
        (#"{"a":1,"a":2}"#, .duplicateKey),
        ("NaN", .syntax), ("[1,]", .syntax), ("01", .number),
    ])
    func refused(_ text: String, _ error: JSONError) {
        #expect(throws: error) { try JSON.parse(text) }
    }

    @Test func notUTF8() {
        #expect(throws: JSONError.notUTF8) { try JSON.parse([0x22, 0xFF, 0x22]) }
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(String(repeating: "[", count: depth).utf8) + Array(String(repeating: "]", count: depth).utf8)
        }
        _ = try JSON.parse(nested(128))
        #expect(throws: JSONError.tooDeep(limit: 128)) { try JSON.parse(nested(129)) }
        #expect(throws: JSONError.tooDeep(limit: 128)) { try JSON.parse(nested(100_000)) }
    }

    @Test func manyKeysWithOneTwice() {
        let keys = (0..<50_000).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(throws: JSONError.duplicateKey) { try JSON.parse("{\(keys),\"k7\":1}") }
    }

    @Test func controlCharactersAreEscaped() {
        #expect(
            JSON.string("\u{0}\u{8}\t\n\u{c}\r\"\\\u{1f}\u{2028}").text
                == "\"\\u0000\\b\\t\\n\\f\\r\\\"\\\\\\u001f\u{2028}\"")
    }

    @Test func keysThatArePrefixesOfEachOtherStayApart() throws {
        #expect(try JSON.parse(#"{"a":1,"ab":2,"":3}"#)["ab"] == 2)
    }

    /// Swift's `==` holds both keys for the same.
    @Test func keysThatOnlyLookAlikeStayApart() throws {
        let json = try JSON.parse("{\"e\u{301}\":1,\"\u{e9}\":2}")
        #expect(json["e\u{301}"] == 1)
        #expect(json["\u{e9}"] == 2)
        #expect(json == json)
    }

    @Test func objectsWithManyMembersAreEqualInAnyOrder() throws {
        func object(_ keys: some Sequence<Int>, _ last: Int) -> JSON {
            .object(JSONObject(members: keys.map { (key: "k\($0)", value: JSON.int($0 == 9 ? Int64(last) : 1)) }))
        }
        let began = monotonicMilliseconds()
        #expect(object(0..<4_000, 1) == object((0..<4_000).reversed(), 1))
        #expect(object(0..<4_000, 1) != object((0..<4_000).reversed(), 2))
        #expect(object(0..<4_000, 1) != object(1...4_000, 1))
        #expect(monotonicMilliseconds() - began < 30_000)
    }
}
