/// One day of a plan. It points into the catalogue's entry of the place, so that it can be noted down shortly.
struct Day: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        /// Index into ``Destination/outings``.
        case outing(Int)
        /// In the traveller's words.
        case own(String)
        case free
    }

    var content: Content
    /// Index into ``Destination/eveningMeals``.
    let meal: Int
}

extension Destination {
    /// Food experiences for more evenings than the longest trip has.
    var eveningMeals: [String] {
        let ways = ["away from the sights", "once more, where the queue is local", "as a farewell to the place"]
        return meals + ways.flatMap { way in cuisine.map { "\($0) \(way)" } }
    }

    /// Indices of the outings, the ones that suit best first. The order does not depend on the length of the trip: a longer
    /// plan begins as the shorter one did.
    func outings(for brief: Brief) -> [Int] {
        let interests = Set(brief.interests)
        func worth(_ index: Int) -> Int {
            let outing = outings[index]
            var worth = 6 * outing.themes.intersection(interests).count - index
            if brief.budget == .low { worth -= outing.cost == .high ? 30 : outing.cost == .free ? -3 : 0 }
            if brief.party?.hasChildren == true && outing.themes.contains("family") { worth += 6 }
            return worth
        }
        let welcome = outings.indices.filter { index in
            !brief.avoided.contains { outings[index].isAbout($0) }
        }
        return welcome.sorted { worth($0) != worth($1) ? worth($0) > worth($1) : $0 < $1 }
    }
}

extension Outing {
    /// Whether the outing has to do with what a traveller names: a theme, or a word of the texts.
    func isAbout(_ term: String) -> Bool {
        let text = folded("\(morning); \(afternoon)")
        let words = Vocabulary.spellings(of: term)
        if words.contains(where: text.contains) { return true }
        guard let theme = Vocabulary.theme(of: term) else { return false }
        return theme == folded(term) && themes.contains(theme)
    }

    /// The same, or at least of the theme that the word stands for.
    func isNear(_ term: String) -> Bool {
        isAbout(term) || Vocabulary.theme(of: term).map(themes.contains) == true
    }
}
