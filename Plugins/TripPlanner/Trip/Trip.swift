internal import AgentPluginKit

/// The trip as it stands after some messages: this is all that the planner remembers.
///
/// Three things change it, each in a file of its own: what the traveller says (`Trip+Hearing`), changes of single days
/// (`Trip+Changes`), and what the catalogue answered (here). ``json`` and ``init(_:)`` are how it survives from one turn to
/// the next (see ``Conversation``).
struct Trip: Sendable, Hashable {
    var brief = Brief()
    /// The place that the days are planned for; nil before the first plan.
    var place: Destination?
    var days: [Day] = []
    /// Whether the traveller was told that the destination is not in the catalogue.
    var isRefused = false
    /// What was named in its stead.
    var suggestion: Destination?

    /// Takes over what `lookup_destination` found: plans the days of a new place.
    /// - Returns: whether that is the place that the traveller named.
    @discardableResult
    mutating func settle(_ found: Destination?) -> Bool {
        let wanted = folded(brief.destination ?? "")
        guard let found, wanted.isEmpty || folded("\(found.city), \(found.country)").contains(wanted) else {
            (isRefused, suggestion) = (true, found)
            return false
        }
        (isRefused, suggestion) = (false, nil)
        brief.destination = found.city
        if place?.city != found.city {
            place = found
            days = []
        }
        fit()
        return true
    }

    /// Gives the plan as many days as it should have. Days that stay are not touched.
    mutating func fit() {
        guard let place else { return }
        let length = brief.length ?? Brief.usualLength
        if days.count > length { days.removeLast(days.count - length) }
        while days.count < length {
            days.append(Day(content: unused(place).first.map { .outing($0) } ?? .free, meal: nextMeal))
        }
    }

    /// Outings that are not in the plan, best first.
    func unused(_ place: Destination) -> [Int] {
        let used = Set(days.compactMap { if case .outing(let index) = $0.content { index } else { nil } })
        return place.outings(for: brief).filter { !used.contains($0) }
    }

    private var nextMeal: Int {
        let used = Set(days.map(\.meal))
        return (0...).first { !used.contains($0) } ?? 0
    }
}
