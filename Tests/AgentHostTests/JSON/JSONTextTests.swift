import Testing

@testable import AgentHost

struct JSONTextTests {
    @Test func partsMakeAnArray() {
        #expect(JSONText.array([]).bytes == Array("[]".utf8))
        let both = JSONText.array([JSONText(["a": 1]), JSONText(Array("[2]".utf8))])
        #expect(String(decoding: both.bytes, as: UTF8.self) == #"[{"a":1},[2]]"#)
        #expect(both.json == [["a": 1], [2]])
    }

    @Test func membersAreRead() {
        let text: JSONText = ["locale": "en"]
        #expect(text["locale"] == "en" && text["model"] == nil)
    }

    @Test(arguments: [
        (#"1"#, 0), (#"[]"#, 1), (#"{"a":[{"b":[]}]}"#, 4), (#"["[[[[","{\"[[[",  "\\"]"#, 1), (#"[[],[],[[]]]"#, 3),
    ])
    func depth(_ json: String, _ depth: Int) {
        let text = JSONText(Array(json.utf8))
        #expect(!text.isNested(deeperThan: depth))
        #expect(depth == 0 || text.isNested(deeperThan: depth - 1))
    }
}
