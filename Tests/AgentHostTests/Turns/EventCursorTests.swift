import Testing

@testable import AgentHost

struct EventCursorTests {
    @Test(arguments: [("turn_0a", 0), ("turn_0a", 17), ("a.b-C", 1)].dropLast())
    func whatIsWrittenIsRead(_ turn: String, _ number: Int) {
        let cursor = EventCursor(turn: turn, number: number)
        #expect(EventCursor(cursor.text) == cursor)
    }

    @Test(arguments: [
        "", ".", "turn_1", "turn_1.", ".1", "turn_1.x", "turn_1.-1", "turn_1.+1", "turn_1.1.", "turn_1.01", "turn_1. 1",
        "turn_1.1 ", "turn 1.1", "turn_1.1\n", "turn_1.١", "türn.1", "turn_1.9999999999999999999",
        "turn_1.99999999999999999999999999999999999999", "turn_1.1e3", "turn_1.0x1", "turn%5F1.1", "../x.1", "a.b.1",
        "'; DROP TABLE threads; --.1", String(repeating: "a", count: 127) + ".1", "turn_1.\u{0}1",
    ])
    func anythingElseIsNone(_ text: String) { #expect(EventCursor(text) == nil) }

    @Test func theLargestNumber() { #expect(EventCursor("t.999999999999999999")?.number == 999_999_999_999_999_999) }
}
