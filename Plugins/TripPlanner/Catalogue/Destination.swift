internal import AgentPluginKit

/// One entry of the catalogue.
struct Destination: Sendable, Hashable {
    let city: String
    let country: String
    let region: String
    let summary: String
    /// How long a stay makes sense, in days.
    let days: ClosedRange<Int>
    let seasons: [String]
    let themes: [String]
    /// Enough for the longest plan, those that nobody should miss first.
    let outings: [Outing]
    /// Dishes that the place is known for.
    let cuisine: [String]
    /// Food experiences, each for an evening of its own.
    let meals: [String]
    let tips: [String]
    var climate = Climate.mild
    /// Whether seasons are those of the south: January is in summer.
    var isSouthern = false

    /// What to pack for.
    enum Climate: Sendable { case mild, cold, dry, tropical }

    /// What there is to see.
    var highlights: [String] { outings.map(\.morning) }

    /// How well the entry fits (`seed-contracts.md` 2.6).
    func score(_ wishes: Preferences) -> Int {
        var score = 0
        let wanted = folded(wishes.destination)
        if !wanted.isEmpty {
            if wanted == folded(city) {
                score += 5
            } else if folded("\(city), \(country)").contains(wanted) {
                score += 3
            }
        }
        if folded(wishes.region) == folded(region) { score += 2 }
        if seasons.contains(folded(wishes.season)) { score += 2 }
        score += Set(wishes.interests.map(folded)).intersection(themes).count
        if let length = wishes.length, days.contains(length) { score += 2 }
        return score
    }

    /// The tool's result.
    var json: JSON {
        [
            "city": .string(city), "country": .string(country), "summary": .string(summary),
            "recommended_trip_length_days": .string("\(days.lowerBound)-\(days.upperBound) days"),
            "best_seasons": .array(seasons.map(JSON.string)), "aligned_themes": .array(themes.map(JSON.string)),
            "highlights": .array(highlights.map(JSON.string)), "cuisine_focus": .array(cuisine.map(JSON.string)),
            "practical_tips": .array(tips.map(JSON.string)),
        ]
    }
}
