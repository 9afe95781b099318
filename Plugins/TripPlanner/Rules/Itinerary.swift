internal import AgentPluginKit

/// A plan in Markdown, made only of what the catalogue says.
struct Itinerary: Sendable {
    let entry: JSON
    let days: Int
    let wishes: TripWishes

    private func texts(_ key: String) -> [String] { (entry[key]?.array ?? []).compactMap(\.string) }
    private func text(_ key: String) -> String { entry[key]?.string ?? "" }

    var markdown: String {
        [overview, table, checklist].joined(separator: "\n\n")
    }

    private var overview: String {
        var text =
            "**\(days) \(days == 1 ? "day" : "days") in \(text("city")), \(text("country")).** \(text("summary")) "
        text += "Recommended: \(self.text("recommended_trip_length_days")), best in "
        text += texts("best_seasons").joined(separator: " or ") + "."
        if !wishes.missing.isEmpty {
            text += " I assumed something in the middle for " + wishes.missing.joined(separator: ", ") + "."
        }
        return text
    }

    private var table: String {
        let (sights, dishes) = (texts("highlights"), texts("cuisine_focus"))
        let calm = [
            "a walk through the old quarters", "a museum or gallery", "a park and a café", "a market and small shops",
        ]
        let rows = (0..<days).map { day in
            let morning = day < sights.count ? sights[day] : calm[day % calm.count]
            let afternoon = calm[(day + 1) % calm.count]
            let dish = dishes.isEmpty ? "local food" : dishes[day % dishes.count]
            return
                "| \(day + 1) | \(Itinerary.cell(morning)) | \(Itinerary.cell(afternoon)), with time for the way back "
                + "| Food experience: \(dish) |"
        }
        return (["| Day | Morning | Afternoon | Evening |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n")
    }

    private static func cell(_ text: String) -> String {
        (text.first.map { $0.uppercased() } ?? "") + text.dropFirst()
    }

    private var checklist: String {
        let items =
            ["Book travel and rooms", "Book tickets for the sights that sell out"] + texts("practical_tips")
            + ["Pack comfortable shoes and a layer for the evening"]
        return "**Checklist**\n\n" + items.map { "- [ ] \($0)" }.joined(separator: "\n")
    }
}
