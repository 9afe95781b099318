/// A plan in Markdown: overview, table of days, checklist. It is made only of what the catalogue and the traveller say.
struct Itinerary: Sendable {
    let trip: Trip
    let place: Destination
    /// What changed since the last plan.
    let news: [String]
    /// Whether the traveller chose the place.
    let wasNamed: Bool

    private var brief: Brief { trip.brief }

    var markdown: String {
        let parts = [news.joined(separator: " "), overview, assumptions, table, checklist]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    // MARK: Overview

    private var overview: String {
        var text = "**\(Itinerary.count(trip.days.count)) in \(place.city), \(place.country)**"
        if let season = trip.seasonText { text += ", in \(season)" }
        if let party = brief.party { text += ", for \(party.text)" }
        if let budget { text += ", on \(budget)" }
        if !brief.interests.isEmpty { text += ", with \(Trip.list(brief.interests)) in mind" }
        return ([text + ". " + place.summary] + advice).joined(separator: " ")
    }

    private var budget: String? {
        let level: String? =
            switch brief.budget {
            case .low: "a small budget"
            case .middle: "a mid-range budget"
            case .high: "a generous budget"
            case nil: nil
            }
        guard let amount = brief.amount else { return level }
        return "\(level ?? "a budget") of \(amount)"
    }

    private var advice: [String] {
        var advice: [String] = []
        if !wasNamed { advice.append("You named no place; of my catalogue this one fits what you told me best.") }
        let stay = place.days
        if !stay.contains(trip.days.count) {
            advice.append(
                "\(stay.lowerBound) to \(stay.upperBound) days are usual here: "
                    + (trip.days.count < stay.lowerBound
                        ? "I chose what should not be missed." : "the later days go further out."))
        }
        let best = Itinerary.alternatives(place.seasons)
        if let season = brief.season?.name(inTheSouth: place.isSouthern), !place.seasons.contains(season) {
            advice.append("The best time is \(best); in \(season), check opening hours and keep indoor choices.")
        } else if brief.season == nil {
            advice.append("The best time is \(best).")
        }
        switch brief.pace {
        case .slow: advice.append("The pace is slow, with open afternoons.")
        case .full: advice.append("The days are full; drop the last stop of any of them.")
        case .normal: break
        }
        if brief.party?.hasChildren == true { advice.append("With children, be back by late afternoon.") }
        if brief.amount != nil { advice.append("I know no prices, so check the sum as you book.") }
        return advice
    }

    private var assumptions: String {
        var assumed: [String] = []
        if brief.length == nil { assumed.append(Itinerary.count(Brief.usualLength)) }
        if brief.season == nil { assumed.append("a visit in \(place.seasons[0])") }
        if brief.party == nil { assumed.append("two adults") }
        if brief.budget == nil && brief.amount == nil { assumed.append("a mid-range budget") }
        if brief.interests.isEmpty { assumed.append("a bit of everything") }
        guard !assumed.isEmpty else { return "" }
        return "*Assumed, as you did not say: \(Trip.list(assumed)). Tell me what is different.*"
    }

    // MARK: Days

    private var table: String {
        let rows = trip.days.enumerated().map { index, day in
            let label = brief.start.map { "\(index + 1) (\($0.label(index)))" } ?? "\(index + 1)"
            let (morning, afternoon) = halves(day, index)
            let cells = [label, morning, afternoon, "Food experience: \(place.eveningMeals[day.meal])"]
            return "| " + cells.map(Itinerary.cell).joined(separator: " | ") + " |"
        }
        return (["| Day | Morning | Afternoon | Evening |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n")
    }

    private func halves(_ day: Day, _ index: Int) -> (String, String) {
        switch day.content {
        case .free:
            return (noon(index) + "a late breakfast; this day is free", "Rest, or go back to what you liked best")
        case .own(let text): return (text, noon(index) + "more of the same, or time of your own")
        case .outing(let number):
            let outing = place.outings[number]
            switch brief.pace {
            case .slow where isOpen(index):
                return (outing.morning, noon(index) + "open: a rest, or \(outing.afternoon) if you feel like it")
            case .full where !outing.isDayTrip:
                let more = trip.unused(place).dropFirst(index).first.map {
                    "; then, if time allows, \(place.outings[$0].morning)"
                }
                return (outing.morning, noon(index) + outing.afternoon + (more ?? ""))
            default: return (outing.morning, noon(index) + outing.afternoon)
            }
        }
    }

    /// Whether the afternoon of a slow plan is left open: every second one that is spent in town.
    private func isOpen(_ index: Int) -> Bool {
        let inTown = trip.days.prefix(index + 1).map { day in
            if case .outing(let number) = day.content { !place.outings[number].isDayTrip } else { false }
        }
        return inTown[index] && (inTown.count { $0 } % 2 == 0 || trip.days.count == 1)
    }

    /// A second food experience, for those who want more.
    private func noon(_ index: Int) -> String {
        guard brief.wantsMoreFood else { return "" }
        let used = Set(trip.days.map(\.meal))
        let others = place.meals.indices.filter { meal in
            !used.contains(meal)
                && !["supper", "dinner", "night", "evening", "bar", "after", "beer", "then"].contains {
                    place.meals[meal].contains($0)
                }
        }
        let meal = others.indices.contains(index) ? place.meals[others[index]] : nil
        return "lunch: \(meal ?? "\(place.cuisine[index % place.cuisine.count]) in a place on the way"); then "
    }

    /// A cell begins with a capital, and nothing in it can end it: own words of the traveller may hold anything.
    private static func cell(_ text: String) -> String {
        let safe = text.map { $0 == "|" || $0.isNewline ? " " : String($0) }.joined()
        return (safe.first.map { $0.uppercased() } ?? "") + safe.dropFirst()
    }

    // MARK: Checklist

    private var checklist: String {
        "**Checklist**\n\n" + (bookings + packing + place.tips).map { "- [ ] \($0)" }.joined(separator: "\n")
    }

    private var bookings: [String] {
        var items = ["Book travel and rooms" + (brief.start.map { ", from \($0.label(0))" } ?? "")]
        for (index, day) in trip.days.enumerated() {
            guard case .outing(let number) = day.content, place.outings[number].cost == .high else { continue }
            items.append("Reserve ahead: \(place.outings[number].morning) (day \(index + 1))")
        }
        if let first = trip.days.first {
            items.append("Find a table for the first evening: \(place.eveningMeals[first.meal])")
        }
        switch brief.budget {
        case .low: items.append("Look for a day ticket and for the free hours of museums")
        case .high: items.append("Reserve the better tables and a private guide two weeks ahead")
        default: items.append("Buy tickets online for the sights that sell out")
        }
        if brief.party?.hasChildren == true { items.append("Ask for family rooms and for reduced tickets") }
        return items
    }

    private var packing: [String] {
        let season = brief.season?.name(inTheSouth: place.isSouthern) ?? place.seasons[0]
        let clothes =
            switch (place.climate, season) {
            case (.tropical, _): "light clothes, an umbrella, and a layer for cooled rooms"
            case (.cold, "summer"): "layers, a rain jacket and a warm one for the evening"
            case (.cold, _), (.mild, "winter"): "a warm coat, a rain jacket and layers"
            case (.dry, "summer"): "a hat, sun cream and a bottle for water; rest at midday"
            case (.dry, _): "light layers, and something warm for cool evenings"
            case (.mild, "summer"): "sun cream, a hat and one light layer"
            case (.mild, _): "layers and a light rain jacket"
            }
        return ["Pack comfortable shoes, \(clothes)"]
    }

    private static func count(_ days: Int) -> String { "\(days) \(days == 1 ? "day" : "days")" }

    /// `spring or fall`
    static func alternatives(_ texts: [String]) -> String { texts.joined(separator: " or ") }
}
