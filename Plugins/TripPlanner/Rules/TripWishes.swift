/// What a traveller has said so far; later messages win.
struct TripWishes: Sendable {
    var preferences = Preferences()
    private var hasBudget = false
    private var hasCompany = false
    private(set) var wantsToGoAhead = false
    private(set) var isAboutTravel = false

    private static let seasons: [String: [String]] = [
        "spring": ["spring", "march", "april", "may"], "summer": ["summer", "june", "july", "august"],
        "fall": ["fall", "autumn", "september", "october", "november"],
        "winter": ["winter", "december", "january", "february"],
    ]
    private static let interests: [String: [String]] = [
        "culture": ["culture", "cultural", "museums", "museum", "temples"], "history": ["history", "historic"],
        "food": ["food", "eating", "cuisine", "restaurants"], "nature": ["nature", "landscapes", "outdoors"],
        "nightlife": ["nightlife", "bars", "clubs"], "coast": ["coast", "beach", "beaches", "sea"],
        "adventure": ["adventure", "adventures", "hiking"], "wellness": ["wellness", "spa", "spas"],
        "art": ["art", "arts"],
    ]
    private static let budget: Set = ["budget", "cheap", "luxury", "mid-range", "midrange", "affordable", "expensive"]
    private static let company: Set = [
        "adults", "adult", "solo", "alone", "couple", "family", "kids", "children", "friends", "wife", "husband",
        "partner",
        "people", "persons", "us", "myself",
    ]
    private static let travel: Set = [
        "trip", "travel", "plan", "itinerary", "visit", "vacation", "holiday", "go", "days", "day", "weekend", "week",
        "going",
    ]
    private static let numbers = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

    /// - Parameter messages: what the traveller said, oldest first.
    init(_ messages: [String]) {
        for message in messages { read(message) }
    }

    /// What a plan should know, in the words of a question.
    var missing: [String] {
        var missing: [String] = []
        if preferences.destination.isEmpty && preferences.region.isEmpty {
            missing.append("where you would like to go")
        }
        if preferences.season.isEmpty { missing.append("the time of year") }
        if !hasCompany { missing.append("who travels") }
        if !hasBudget { missing.append("your budget") }
        if preferences.interests.isEmpty { missing.append("your interests") }
        return missing
    }

    private mutating func read(_ message: String) {
        let text = folded(message)
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init)
        let known = Set(words)
        for (season, names) in TripWishes.seasons where !known.isDisjoint(with: names) { preferences.season = season }
        for (interest, names) in TripWishes.interests.sorted(by: { $0.key < $1.key })
        where !known.isDisjoint(with: names) && !preferences.interests.contains(interest) {
            preferences.interests.append(interest)
        }
        for entry in Catalogue.entries {
            if known.contains(folded(entry.region)) { preferences.region = entry.region }
            if text.contains(folded(entry.city)) { preferences.destination = entry.city }
        }
        if let place = TripWishes.place(in: message) { preferences.destination = place }
        if let length = TripWishes.length(words) { preferences.length = min(max(length, 1), 14) }
        hasBudget = hasBudget || !known.isDisjoint(with: TripWishes.budget)
        hasCompany = hasCompany || !known.isDisjoint(with: TripWishes.company)
        wantsToGoAhead = wantsToGoAhead || text.contains("go ahead") || text.contains("just plan")
        isAboutTravel =
            isAboutTravel || !known.isDisjoint(with: TripWishes.travel) || !preferences.isEmpty || wantsToGoAhead
    }

    /// "5 days", "5-day", "a week", "weekend".
    private static func length(_ words: [String]) -> Int? {
        func number(_ word: String) -> Int? { Int(word) ?? numbers.firstIndex(of: word).map { $0 + 1 } }
        for (index, word) in words.enumerated() {
            let parts = word.split(separator: "-").map(String.init)
            if parts.count == 2, parts[1].hasPrefix("day"), let days = number(parts[0]) { return days }
            if ["day", "days"].contains(word), index > 0, let days = number(words[index - 1]) { return days }
            if ["week", "weeks"].contains(word) {
                return (index > 0 ? number(words[index - 1]) ?? 1 : 1).multipliedReportingOverflow(by: 7).partialValue
            }
            if word == "weekend" { return 2 }
        }
        return nil
    }

    /// A name behind "to", "in" or "visit": "Plan a trip to Atlantis".
    private static func place(in message: String) -> String? {
        let words = message.split { $0.isWhitespace || ",.;:!?".contains($0) }
        for (word, next) in zip(words, words.dropFirst()) where ["to", "in", "visit"].contains(word.lowercased()) {
            guard next.first?.isUppercase == true, !isKnown(folded(String(next))) else { continue }
            if let entry = Catalogue.entries.first(where: {
                folded("\($0.city) \($0.country)").contains(folded(String(next)))
            }) {
                return entry.city
            }
            return String(next)
        }
        return nil
    }

    private static func isKnown(_ word: String) -> Bool {
        seasons.values.contains { $0.contains(word) } || Catalogue.entries.contains { folded($0.region) == word }
    }
}
