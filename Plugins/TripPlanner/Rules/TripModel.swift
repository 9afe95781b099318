internal import AgentPluginKit

/// The model `trip-rules`: asks once for what is missing, looks the destination up, and writes an itinerary.
///
/// It keeps no state: what it knows is in the messages.
enum TripModel {
    /// What a step comes to.
    enum Step: Sendable, Hashable {
        case lookUp(Preferences)
        case say(String)
    }

    static func step(_ messages: [ModelRequest.Message]) -> Step {
        guard let last = messages.lastIndex(where: { $0.role == .user }) else { return .say(greeting) }
        let said = messages.filter { $0.role == .user }.map(\.text)
        let wishes = TripWishes(said)
        if let answer = messages[last...].last(where: { $0.role == .tool }) { return .say(reply(answer.text, wishes)) }
        guard wishes.isAboutTravel else { return .say(greeting) }
        let wasAsked = messages[..<last].contains { $0.role == .assistant && !$0.text.isEmpty && $0.text != greeting }
        let missing = wishes.missing
        if !missing.isEmpty && !wasAsked && !wishes.wantsToGoAhead { return .say(question(missing)) }
        return wishes.preferences.isEmpty ? .say(places) : .lookUp(wishes.preferences)
    }

    static let greeting =
        "Hello! Tell me where you would like to go, when, for how long and what you enjoy: I plan the days."

    private static var places: String {
        "Tell me a place or what you enjoy. I know "
            + Catalogue.entries.map { "\($0.city) (\($0.region))" }.joined(separator: ", ") + "."
    }

    private static func question(_ missing: [String]) -> String {
        let list =
            missing.count > 1
            ? missing.dropLast().joined(separator: ", ") + " and " + missing[missing.count - 1] : missing[0]
        return
            "Gladly! So that the plan fits: could you tell me \(list)? Or say \"go ahead\" and I'll assume something sensible."
    }

    private static func reply(_ answer: String, _ wishes: TripWishes) -> String {
        guard let entry = try? JSON.parse(answer), let city = entry["city"]?.string else {
            return "I found nothing in my catalogue that fits. \(places)"
        }
        let wanted = folded(wishes.preferences.destination)
        let name = folded("\(city), \(entry["country"]?.string ?? "")")
        if !wanted.isEmpty && !name.contains(wanted) {
            return "\(wishes.preferences.destination) is not in my catalogue, and I won't invent it. "
                + "\(city) would come closest to your wishes. \(places)"
        }
        return Itinerary(entry: entry, days: wishes.preferences.length ?? 3, wishes: wishes).markdown
    }
}
