import AgentPluginKit
import Testing

@testable import TripPlanner

struct TripPlannerTests {
    private func lookUp(_ hints: JSON) -> String? { try? Catalogue.lookUp(Preferences(hints)).city }

    @Test func looksUp() {
        #expect(lookUp(["destination": "lisbon"]) == "Lisbon")
        #expect(lookUp(["preferences": ["destination": "Reykjavik"]]) == "Reykjavík")
        #expect(lookUp(["season": "Spring"]) == "Kyoto", "ties go to the earlier entry")
        #expect(lookUp(["region": "europe", "season": "summer"]) == "Reykjavík")
        #expect(lookUp(["interests": ["art", "ART", "food"]]) == "Mexico City")
        #expect(lookUp(["trip_length_days": 6]) == "Reykjavík")
        #expect(lookUp(["destination": "Atlantis"]) == nil)
        #expect(lookUp([:]) == nil)
        #expect(lookUp(["destination": " ", "interests": []]) == nil)
    }

    private func message(_ role: JSON, _ text: String) -> ModelRequest.Message {
        ModelRequest.Message(["role": role, "content": .string(text)])
    }

    @Test(arguments: [(3, "Lisbon"), (4, "Kyoto"), (1, "Mexico City"), (14, "Queenstown")])
    func plansOneRowPerDay(_ days: Int, _ city: String) throws {
        let user = message(
            "user",
            "Plan a \(days)-day trip to \(city) in spring for two adults. Mid-range budget, we like food and culture. "
                + "Please go ahead.")
        guard case .lookUp(let wishes) = TripModel.step([user]) else {
            Issue.record("no look-up")
            return
        }
        #expect(wishes.destination == city)
        #expect(wishes.length == days)
        let result = try Catalogue.lookUp(wishes).json
        guard case .say(let plan) = TripModel.step([user, message("tool", result.text)]) else {
            Issue.record("no plan")
            return
        }
        #expect(plan.contains(city))
        #expect(plan.split(separator: "\n").count { $0.hasPrefix("| ") } == days + 2)
    }

    @Test func asksOnce() {
        let vague = message("user", "Plan a trip for me")
        guard case .say(let question) = TripModel.step([vague]) else {
            Issue.record("did not ask")
            return
        }
        #expect(question.contains("?"))
        #expect(!question.contains("|"))
        let next = TripModel.step([vague, message("assistant", question), message("user", "Somewhere in Europe")])
        #expect(next != .say(question))
    }

    @Test func inventsNothing() {
        let user = message("user", "Plan a trip to Atlantis in summer, go ahead")
        #expect(TripModel.step([user, message("tool", "Error: nothing fits")]) != TripModel.step([user]))
        guard case .say(let text) = TripModel.step([user, message("tool", Catalogue.entries[2].json.text)]) else {
            return
        }
        #expect(text.contains("not in my catalogue"))
    }
}
