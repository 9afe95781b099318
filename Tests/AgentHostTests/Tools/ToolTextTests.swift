import Testing

@testable import AgentHost

struct ToolTextTests {
    private static let hidden = "\u{E0049}\u{E0067}\u{E006E}\u{E007F}"

    @Test func tagCharactersAreRemovedEverywhere() {
        let json: JSON = [
            "a\(Self.hidden)": [.string("x\(Self.hidden)y"), 1], "a": .string(Self.hidden), "plain": "Ünïcode 🏴 stays",
        ]
        #expect(ToolText.hasTags(json.encoded))
        let clean = ToolText.withoutTags(json)
        #expect(!ToolText.hasTags(clean.encoded))
        #expect(clean["plain"] == "Ünïcode 🏴 stays" && clean["a"] == ["xy", 1] && clean["a'"] == "")
        #expect(!ToolText.hasTags(Array("🏴 plain \u{E0100} \u{DFFFF}".utf8)))
    }

    @Test(arguments: [
        ("add", "add"), ("", "unnamed"), ("../x y", "___x_y"), ("é", "__"),
        (String(repeating: "n", count: 99), String(repeating: "n", count: 64)),
    ]) func namesAreMadeFit(_ written: String, _ name: String) { #expect(ToolText.name(written) == name) }

    @Test func partsAreRead() throws {
        #expect(try ToolContent(["content": "x"]) == nil)
        #expect(try ToolContent(["content": []]) == nil)
        #expect(try ToolContent(["content": [["type": "chart"]]]) == nil)
        #expect(try ToolContent(["content": [["type": "text", "text": "x"]], "more": 1]) == nil)
        let content = try #require(
            try ToolContent([
                "content": [
                    ["type": "text", "text": "x"], ["type": "image", "url": "https://example.com/a.png"],
                    ["type": "image", "data": "aGk=", "mime_type": "image/webp"],
                ]
            ]))
        #expect(content.images == ["https://example.com/a.png", "data:image/webp;base64,aGk="])
        #expect(content.modelText.hasPrefix("x\n[Picture 1 "))
    }

    @Test(
        arguments: [
            ["type": "text"], ["type": "text", "text": 1], ["type": "image"],
            ["type": "image", "url": "javascript:alert(1)"],
            ["type": "image", "url": "https://a b"], ["type": "image", "url": "data:image/svg+xml;base64,aGk="],
            ["type": "image", "data": "aGk=", "mime_type": "text/html"],
            ["type": "image", "data": "<x>", "mime_type": "image/png"],
            ["type": "image", "data": "aGk="],
        ] as [JSON]) func partsThatCannotBeShownAreRefused(_ part: JSON)
    {
        #expect(throws: ToolContent.Malformed.self) { try ToolContent(["content": [part]]) }
    }

    @Test func picturesAreBounded() {
        let picture: JSON = ["type": "image", "url": "https://example.com/a.png"]
        #expect(throws: ToolContent.Malformed.self) {
            try ToolContent(["content": .array(Array(repeating: picture, count: 9))])
        }
        let large = String(repeating: "a", count: ToolContent.maximumImageBytes)
        #expect(throws: ToolContent.Malformed.self) {
            try ToolContent(["content": [["type": "image", "data": .string(large), "mime_type": "image/png"]]])
        }
    }
}
