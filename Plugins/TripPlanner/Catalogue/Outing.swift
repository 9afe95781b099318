/// What one day can be filled with. Morning and afternoon lie close together, or the way between them is part of the text.
struct Outing: Sendable, Hashable {
    /// Seen from a plain day in town.
    enum Cost: Int, Sendable { case free, modest, high }

    let morning: String
    let afternoon: String
    let themes: Set<String>
    let cost: Cost

    init(_ morning: String, _ afternoon: String, _ themes: Set<String>, _ cost: Cost = .modest) {
        self.morning = morning
        self.afternoon = afternoon
        self.themes = themes
        self.cost = cost
    }

    /// Whether the outing leads out of town, so that the afternoon cannot be left out.
    var isDayTrip: Bool { "\(morning) \(afternoon)".contains(" back") || morning.contains("full day") }
}
