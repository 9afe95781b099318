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
    let highlights: [String]
    let cuisine: [String]
    let tips: [String]

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
