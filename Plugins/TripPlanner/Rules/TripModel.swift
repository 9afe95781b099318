internal import AgentPluginKit

/// The model `trip-rules`: asks once for what is missing, looks the destination up, and writes an itinerary.
///
/// It keeps no state. Each step reads where the conversation stands, takes in what was said since, and decides from that
/// alone; the step after the look-up comes to the same trip again and completes it with the answer.
enum TripModel {
    /// What a step comes to.
    enum Step: Sendable, Hashable {
        /// A call of `lookup_destination` with these arguments.
        case lookUp(JSON)
        case say(String)
    }

    static func step(_ messages: [ModelRequest.Message]) -> Step {
        let conversation = Conversation(messages)
        var trip = conversation.memory
        var statements: [Statement] = []
        var news: [String] = []
        for message in conversation.said {
            statements = Reader.read(message)
            // A short answer to "where?" is the name of a place, too.
            if case .name(let name) = statements.first, trip.brief.destination == nil, conversation.hasAsked {
                statements = [.place(name)]
            }
            news = trip.hear(statements)
        }
        if let outcome = conversation.outcome { return .say(answer(outcome, trip, from: conversation.memory, news)) }
        if let text = Replies.talk(statements, trip, hasAsked: conversation.hasAsked) { return .say(text) }
        let missing = trip.brief.missing
        if !missing.isEmpty, !conversation.hasAsked, !trip.brief.goesAhead { return .say(Replies.question(missing)) }
        return .lookUp(["preferences": trip.brief.preferences.json, Conversation.notes: trip.json])
    }

    private static func answer(_ outcome: Conversation.Outcome, _ trip: Trip, from memory: Trip, _ news: [String])
        -> String
    {
        var trip = trip
        let wasNamed = trip.brief.destination != nil
        switch outcome {
        case .nothing:
            trip.settle(nil)
            return Replies.unknown(trip)
        case .found(let place):
            guard trip.settle(place) else { return Replies.unknown(trip) }
            // News of a plan for another place are none.
            let isSamePlace = memory.place?.city == place.city
            return Itinerary(trip: trip, place: place, news: isSamePlace ? news : [], wasNamed: wasNamed).markdown
        }
    }
}
