internal import AgentPluginKit

/// A conversation as the planner sees it.
///
/// A model keeps nothing between two requests, and the host sends it only the newest messages of a long thread. So the
/// planner writes what it knows into the arguments of each call that it makes, and finds it there again: the host keeps
/// calls and their results in the history. What was said after that call is heard again. So it does not matter which
/// process answers, nor whether the thread is older than the host or was cut.
struct Conversation: Sendable {
    /// The name under which a call carries the notes.
    static let notes = "notes"

    /// The trip as it was when the planner last answered with a plan.
    let memory: Trip
    /// What the traveller said since then; the last one is to be answered now.
    let said: [String]
    /// What `lookup_destination` answered to that; nil before the call.
    let outcome: Outcome?
    /// Whether the planner has asked its question since the memory, or planned already.
    let hasAsked: Bool

    enum Outcome: Sendable, Hashable {
        case found(Destination)
        case nothing
    }

    init(_ messages: [ModelRequest.Message]) {
        let turn = messages.lastIndex { $0.role == .user } ?? messages.endIndex
        let earlier = messages[..<turn]
        let remembered = earlier.lastIndex { !$0.toolCalls.isEmpty }
        var trip = remembered.map { Trip(Conversation.notes(of: messages[$0])) } ?? Trip()
        switch remembered.flatMap({ Conversation.outcome(earlier[$0...]) }) {
        case .found(let place): trip.settle(place)
        case .nothing: trip.settle(nil)
        case nil: break
        }
        memory = trip
        // The message that led to the call is in the notes already.
        let since = remembered.map { messages[$0...] } ?? messages[...]
        said = since.filter { $0.role == .user }.map(\.text)
        outcome = turn < messages.endIndex ? Conversation.outcome(messages[turn...]) : nil
        hasAsked =
            remembered != nil || earlier.contains { $0.role == .assistant && $0.text.hasSuffix(Replies.endOfQuestion) }
    }

    private static func notes(of message: ModelRequest.Message) -> JSON {
        let arguments = message.toolCalls.last?.arguments ?? [:]
        // Calls of other models have no notes, but hints that say much of the same.
        return arguments[notes] ?? Preferences(arguments).notes
    }

    private static func outcome(_ messages: ArraySlice<ModelRequest.Message>) -> Outcome? {
        guard let answer = messages.first(where: { $0.role == .tool }) else { return nil }
        let city = (try? JSON.parse(answer.text))?["city"]?.string
        return city.flatMap(Catalogue.entry).map(Outcome.found) ?? .nothing
    }
}

extension Preferences {
    /// The hints under the names that notes use.
    fileprivate var notes: JSON {
        var object = JSONObject()
        if !destination.isEmpty { object["destination"] = .string(destination) }
        if !region.isEmpty { object["region"] = .string(region) }
        object["season"] = .string(folded(season))
        object["interests"] = .array(interests.map(JSON.string))
        object["length"] = length.map(JSON.int)
        return .object(object)
    }
}
