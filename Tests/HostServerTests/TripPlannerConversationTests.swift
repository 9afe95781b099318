import Foundation
import Testing

/// A trip over HTTP, in both plugin modes: asked once, planned, changed, and remembered after more turns than the model sees.
struct TripPlannerConversationTests {
    @Test(arguments: ["", "*"]) func aTripIsPlannedAndChanged(trusted: String) throws {
        let server = try ServerProcess(trusted: trusted)
        let client = server.client(user: "ann")
        let asked = try client.create("Plan a trip to Vienna", agent: "TripPlanner")
        #expect(asked.texts.joined().contains("your budget"))
        #expect(!asked.texts.joined().contains("| Day |"))
        let thread = try #require(asked.threadID)
        let plan = try client.say("In winter, a couple, mid-range, we like music and art", in: thread)
        #expect(plan.texts.joined().contains("3 days in Vienna"))
        #expect(plan.events.contains { $0.item?["type"] as? String == "workflow" }, "the look-up is shown")
        let days = rows(plan.texts)
        #expect(days.count == 3)
        let swapped = rows(try client.say("Swap day 1 and 3", in: thread).texts)
        #expect(swapped.map(\.outing) == days.map(\.outing).reversed())
        // Longer than the default of CHATKIT_MAX_HISTORY.
        var last = swapped
        for round in 0..<11 {
            last = rows(try client.say(round % 2 == 0 ? "more food" : "less food", in: thread).texts)
        }
        #expect(last.map(\.outing) == swapped.map(\.outing))
        let longer = try client.say("Make it 5 days", in: thread).texts
        #expect(Array(rows(longer).prefix(3)).map(\.outing) == swapped.map(\.outing))
        #expect(rows(longer).count == 5)
        #expect(longer.joined().contains("5 days in Vienna, Austria**, in winter, for a couple"))
        let other = try client.create("swap day 1 and 2", agent: "TripPlanner")
        #expect(!other.texts.joined().contains("Vienna"), "each thread has a memory of its own")
    }

    /// Morning of each row of the table.
    private func rows(_ texts: [String]) -> [(label: String, outing: String)] {
        texts.joined().split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map { row in
            let cells = row.split(separator: "|").map(String.init)
            return (cells[0], cells.count > 1 ? cells[1] : "")
        }
    }
}
