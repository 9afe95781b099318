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

    /// The tool's result has exactly these members, and every entry fills them.
    @Test(arguments: Catalogue.entries) func tellsAllOfAnEntry(_ entry: Destination) {
        let json = entry.json
        let texts = ["city", "country", "summary", "recommended_trip_length_days"]
        let lists = ["best_seasons", "aligned_themes", "highlights", "cuisine_focus", "practical_tips"]
        #expect(json.object?.keys.sorted() == (texts + lists).sorted())
        for key in texts { #expect(json[key]?.string?.isEmpty == false) }
        for key in lists { #expect(json[key]?.array?.isEmpty == false) }
        #expect(entry.outings.count == 14 && entry.meals.count == 8 && entry.cuisine.count >= 3)
        #expect(Set(entry.seasons).isSubset(of: Season.names))
        let themes = entry.outings.reduce(into: Set<String>()) { $0.formUnion($1.themes) }
        #expect(Set(entry.themes).subtracting(["food", "nightlife"]).isSubset(of: themes))
        #expect(lookUp(["destination": .string(entry.city)]) == entry.city)
        #expect(lookUp(["destination": .string(entry.country)]) == entry.city)
    }

    @Test func theFirstFiveKeepTheirOrder() {
        let first = Catalogue.entries.prefix(5).map(\.city)
        #expect(first == ["Kyoto", "Lisbon", "Reykjavík", "Mexico City", "Queenstown"])
        #expect(Catalogue.entries.count >= 15)
        #expect(Set(Catalogue.entries.map(\.region)) == ["Asia", "Europe", "Americas", "Oceania", "Africa"])
    }
}
