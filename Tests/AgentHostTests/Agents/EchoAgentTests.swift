import Testing

@testable import AgentHost

struct EchoAgentTests {
    @Test(arguments: [
        "a", "hello there", "  two  spaces ", "🇩🇪👩‍👩‍👧 e\u{301}\r\n日本語 x", String(repeating: "wide world ", count: 5_000),
    ])
    func piecesMakeUpTheText(_ text: String) {
        let pieces = EchoAgent.split(text)
        #expect(pieces.joined().unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(pieces.count <= 64 && !pieces.contains(""))
    }

    @Test func longWordIsCut() {
        let text = String(repeating: "é", count: 100_000)
        let pieces = EchoAgent.split(text)
        #expect(pieces.joined() == text)
        #expect(pieces.allSatisfy { $0.utf8.count <= 17 << 10 })
    }

    @Test func emptyMessageIsAnsweredToo() {
        #expect(EchoAgent.answer(to: [["type": "user_message", "content": []]]) == "Your message has no text to echo.")
        #expect(EchoAgent.answer(to: []) == "Your message has no text to echo.")
    }
}
