internal import AgentPluginKit

/// What the traveller has told about the trip; later messages win. Nil is what nobody said.
struct Brief: Sendable, Hashable {
    /// A city of the catalogue, or a place that is not in it, as the traveller wrote it.
    var destination: String?
    var region: String?
    var season: Season?
    var interests: [String] = []
    /// What the traveller does not want to see.
    var avoided: [String] = []
    /// In days, 1 to 14.
    var length: Int?
    var party: Party?
    var budget: Budget?
    /// A sum, as the traveller wrote it.
    var amount: String?
    var pace = Pace.normal
    var start: Start?
    /// Whether a day has a second food experience, at noon.
    var wantsMoreFood = false
    /// Whether the planner may choose whatever was not said.
    var goesAhead = false

    /// How long a trip is when nobody says it.
    static let usualLength = 3
    static let lengths = 1...14

    enum Budget: String, Sendable { case low, middle, high }
    enum Pace: String, Sendable { case slow, normal, full }

    /// Who travels, in words that fit behind "for".
    struct Party: Sendable, Hashable {
        let text: String
        var hasChildren = false
    }

    /// What the planner asks for once (`seed-contracts.md` 2.5), in the words of a question.
    var missing: [String] {
        var missing: [String] = []
        if season == nil { missing.append("the time of year") }
        if party == nil { missing.append("who travels") }
        if budget == nil && amount == nil { missing.append("your budget") }
        if interests.isEmpty { missing.append("your interests") }
        return missing.isEmpty || destination != nil || region != nil
            ? missing : ["where you would like to go"] + missing
    }

    /// The hints for `lookup_destination`. Never empty: with no hint at all the usual length is one.
    var preferences: Preferences {
        var preferences = Preferences()
        preferences.destination = destination ?? ""
        preferences.region = region ?? ""
        preferences.season = season?.name(inTheSouth: destination.flatMap(Catalogue.entry)?.isSouthern ?? false) ?? ""
        preferences.interests = interests
        preferences.length = length
        if preferences.isEmpty { preferences.length = Brief.usualLength }
        return preferences
    }
}

/// The time of year.
enum Season: Sendable, Hashable {
    case named(String)
    /// 1 to 12: which season that is depends on the place.
    case month(Int)

    static let names = ["winter", "spring", "summer", "fall"]

    /// `winter`, `spring`, `summer` or `fall`, as people at the place call it.
    func name(inTheSouth: Bool) -> String {
        switch self {
        case .named(let name): name
        case .month(let month): Season.names[((month % 12) / 3 + (inTheSouth ? 2 : 0)) % 4]
        }
    }
}

/// The first day of a trip.
enum Start: Sendable, Hashable {
    /// 1 to 12, 1 to 31.
    case date(month: Int, day: Int)
    /// 0 is Monday.
    case weekday(Int)

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    private static let monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    /// A date of the calendar; nil if there is no such day.
    init?(month: Int, day: Int) {
        guard Start.months.indices.contains(month - 1), day >= 1,
            day <= max(Start.monthLengths[month - 1], month == 2 ? 29 : 0)
        else { return nil }
        self = .date(month: month, day: day)
    }

    /// The `index`th day from here, counted from 0: `3 May`, `Monday`. No year is known: February has 28 days.
    func label(_ index: Int) -> String {
        switch self {
        case .weekday(let first): return Start.weekdays[(first + index) % 7]
        case .date(var month, var day):
            for _ in 0..<index {
                day += 1
                if day > Start.monthLengths[month - 1] { (month, day) = (month % 12 + 1, 1) }
            }
            return "\(day) \(Start.months[month - 1])"
        }
    }
}
