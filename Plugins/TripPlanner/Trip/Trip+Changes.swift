/// Changes of the plan and its days. Each tells in sentences what it did, or why it could not.
extension Trip {
    mutating func change(_ statement: Statement) -> [String] {
        switch statement {
        case .length(let length): return resize(to: length)
        case .longer(let by): return resize(to: (brief.length ?? Brief.usualLength) + by)
        case .budget(let budget): return spend(budget)
        case .cheaper: return spend(.low)
        case .pricier: return spend(.high)
        case .swap(let a, let b):
            return withDays(a, b) {
                $0.days.swapAt($1, $2); return "Days \($1 + 1) and \($2 + 1) are swapped."
            }
        case .move(let a, let b):
            return withDays(a, b) { trip, from, to in
                trip.days.insert(trip.days.remove(at: from), at: to)
                return "Day \(from + 1) is now day \(to + 1)."
            }
        case .remove(let day):
            guard days.count > 1 else { return days.isEmpty ? [] : ["A trip has at least one day, so I kept it."] }
            return withDays(day, day) { trip, index, _ in
                trip.days.remove(at: index)
                trip.brief.length = trip.days.count
                return
                    "Day \(index + 1) is gone; the trip has \(trip.days.count) \(trip.days.count == 1 ? "day" : "days") now."
            }
        case .free(let day):
            return withDays(day == 0 ? days.count : day, day == 0 ? days.count : day) { trip, index, _ in
                trip.days[index].content = .free
                return "Day \(index + 1) is free now."
            }
        case .replace(let day, let wish):
            return withDays(day, day) { trip, index, _ in trip.replace(index, with: wish) }
        case .more(let term, let day): return more(term, day: day)
        case .less(let term, let day): return less(term, day: day)
        case .fewer(let term): return fewer(term)
        default: return []
        }
    }

    private mutating func resize(to length: Int) -> [String] {
        let possible = min(max(length, Brief.lengths.lowerBound), Brief.lengths.upperBound)
        let old = days.count
        brief.length = possible
        fit()
        var news: [String] = []
        if possible != length { news.append("I plan trips of 1 to 14 days, so this one has \(possible).") }
        if old != possible { news.append("The trip has \(possible) \(possible == 1 ? "day" : "days") now.") }
        return news
    }

    /// Days are counted from 1 in what the traveller says, from 0 in `body`.
    private mutating func withDays(_ a: Int, _ b: Int, _ body: (inout Trip, Int, Int) -> String) -> [String] {
        guard !days.isEmpty else { return [] }
        let indices = [a, b].map { ($0 == Reader.lastDay ? days.count : $0) - 1 }
        guard indices.allSatisfy(days.indices.contains) else {
            return ["The plan has \(days.count) \(days.count == 1 ? "day" : "days"), so I left it as it was."]
        }
        return [body(&self, indices[0], indices[1])]
    }

    private mutating func spend(_ budget: Brief.Budget) -> [String] {
        brief.budget = budget
        guard let place else { return [] }
        switch budget {
        case .middle: return ["I noted a mid-range budget."]
        case .high: return ["I noted that it may cost more: see the checklist for what to reserve."]
        case .low:
            let spared = replaceAll {
                place.outings[$0].cost == .high
            } by: {
                place.outings[$0].cost != .high
            }
            return ["I planned for a small budget" + (spared.isEmpty ? "." : " and replaced \(Trip.list(spared)).")]
        }
    }

    private mutating func replace(_ index: Int, with wish: String?) -> String {
        guard let place else { return "" }
        let unused = unused(place)
        guard let wish else {
            guard let next = unused.first else { return "I know nothing more for day \(index + 1)." }
            days[index].content = .outing(next)
            return "Day \(index + 1) is new."
        }
        let terms = Message(wish).words.filter { $0.count > 3 || Vocabulary.theme(of: $0) != nil }
        let match =
            unused.first { outing in terms.contains { place.outings[outing].isAbout($0) } }
            ?? unused.first { outing in terms.contains { place.outings[outing].isNear($0) } }
        if let match {
            days[index].content = .outing(match)
            return "Day \(index + 1) is new: \(place.outings[match].morning)."
        }
        days[index].content = .own(wish)
        return "Day \(index + 1) is yours: my catalogue knows no \"\(wish)\" in \(place.city), so I added no details."
    }

    /// More of something: on a day, or on about a third of the days that have nothing to do with it.
    mutating func more(_ term: String, day: Int?) -> [String] {
        if Vocabulary.theme(of: term) == "food", day == nil {
            if !brief.interests.contains("food") { brief.interests.append("food") }
            brief.wantsMoreFood = true
            return days.isEmpty ? [] : ["I added a second food experience to each day, at noon."]
        }
        if let day { return withDays(day, day) { trip, index, _ in trip.replace(index, with: term) } }
        brief.avoided.removeAll { $0 == term }
        if let theme = Vocabulary.theme(of: term), !brief.interests.contains(theme) { brief.interests.append(theme) }
        guard let place, !days.isEmpty else { return [] }
        let fresh = unused(place).filter { place.outings[$0].isNear(term) }
        let others = days.indices.reversed().filter { !isAbout(days[$0], term) }
        var added: [String] = []
        for (index, outing) in zip(others, fresh.prefix(max(1, days.count / 3))) {
            days[index].content = .outing(outing)
            added.append(place.outings[outing].morning)
        }
        if !added.isEmpty { return ["More \(term): I added \(Trip.list(added))."] }
        return [
            others.isEmpty || days.contains { isAbout($0, term) }
                ? "The plan has all the \(term) that I know in \(place.city)."
                : "I know nothing in \(place.city) about \(term), so the days stay as they are."
        ]
    }

    private mutating func less(_ term: String, day: Int?) -> [String] {
        if Vocabulary.theme(of: term) == "food", day == nil {
            brief.wantsMoreFood = false
            return days.isEmpty ? [] : ["I left one food experience a day."]
        }
        guard let place, !days.isEmpty else {
            avoid(term)
            return []
        }
        if let day {
            return withDays(day, day) { trip, index, _ in
                guard trip.isAbout(trip.days[index], term) else {
                    return "Day \(index + 1) has nothing to do with \(term)."
                }
                let other = trip.unused(place).first { !place.outings[$0].isAbout(term) }
                trip.days[index].content = other.map { .outing($0) } ?? .free
                return "Day \(index + 1) is without \(term) now."
            }
        }
        avoid(term)
        let gone = replaceAll {
            place.outings[$0].isAbout(term)
        } by: { _ in
            true
        }
        return [
            gone.isEmpty
                ? "Nothing in the plan has to do with \(term), and I keep it so." : "I replaced \(Trip.list(gone))."
        ]
    }

    /// Every second day that has to do with something gives way.
    private mutating func fewer(_ term: String) -> [String] {
        guard let place, !days.isEmpty, Vocabulary.theme(of: term) != "food" else { return less(term, day: nil) }
        var count = 0
        let isShort = days.count == 1
        let gone = replaceAll { outing in
            guard place.outings[outing].isNear(term) else { return false }
            count += 1
            return count % 2 == 0 || isShort
        } by: {
            !place.outings[$0].isNear(term)
        }
        return [
            gone.isEmpty ? "There is hardly any \(term) in the plan." : "Less \(term): I replaced \(Trip.list(gone))."
        ]
    }

    private mutating func avoid(_ term: String) {
        if !brief.avoided.contains(term), brief.avoided.count < 12 { brief.avoided.append(term) }
        brief.interests.removeAll { $0 == term }
    }

    /// Puts unused outings into the places of some; free days if there are none left.
    /// - Returns: what is gone.
    private mutating func replaceAll(_ isGone: (Int) -> Bool, by isGood: (Int) -> Bool) -> [String] {
        guard let place else { return [] }
        var gone: [String] = []
        for index in days.indices {
            guard case .outing(let outing) = days[index].content, isGone(outing) else { continue }
            days[index].content = unused(place).first(where: isGood).map { .outing($0) } ?? .free
            gone.append(place.outings[outing].morning)
        }
        return gone
    }

    private func isAbout(_ day: Day, _ term: String) -> Bool {
        guard let place else { return false }
        switch day.content {
        case .outing(let index): return place.outings[index].isNear(term)
        case .own(let text): return folded(text).contains(folded(term))
        case .free: return false
        }
    }

    /// `a, b and c`
    static func list(_ texts: [String]) -> String {
        texts.count < 2 ? texts.joined() : texts.dropLast().joined(separator: ", ") + " and " + texts[texts.count - 1]
    }
}
