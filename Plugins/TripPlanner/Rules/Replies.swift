/// What the planner says besides plans.
enum Replies {
    static let greeting =
        "Hello! Tell me where you would like to go, when, for how long and what you enjoy: I plan the days."

    /// How the question ends: by this it is known again.
    static let endOfQuestion = "Or say \"go ahead\" and I'll assume something sensible."

    static func question(_ missing: [String]) -> String {
        "Gladly! So that the plan fits: could you tell me \(Trip.list(missing))? \(endOfQuestion)"
    }

    /// An answer that needs no look-up; nil if there is something to plan.
    static func talk(_ statements: [Statement], _ trip: Trip, hasAsked: Bool) -> String? {
        if statements.contains(.askPlaces) { return "These are the places that I know:\n\n\(Catalogue.overview)" }
        if let place = trip.place {
            if statements.contains(.askSeason) {
                return "\(place.city) is at its best in \(Itinerary.alternatives(place.seasons))."
            }
            if statements.contains(.askFood) {
                return "In \(place.city), try \(Trip.list(place.cuisine)); \(place.meals[0]) is a good beginning."
            }
        }
        if statements.contains(where: \.isAboutTrip) || statements.contains(.showPlan) && trip.place != nil {
            return nil
        }
        if trip.isAgreed(statements) { return nil }
        if statements.contains(.thanks) {
            return "You're welcome! Tell me whenever the plan should change."
        }
        if trip.place != nil { return changes }
        // After the question, any answer leads to a plan.
        return statements.contains(.travel) || (hasAsked && !statements.contains(.greeting)) ? nil : greeting
    }

    private static let changes =
        "I can change the plan: \"make it 5 days\", \"swap day 1 and 2\", \"replace day 2 with something in nature\", "
        + "\"more food\", \"no museums\", \"cheaper\", \"a slower pace\", \"start on 3 May\", or another place."

    /// The place is not in the catalogue.
    static func unknown(_ trip: Trip) -> String {
        var text = "I found nothing in my catalogue that fits your wishes."
        if let name = trip.brief.destination { text = "\(name) is not in my catalogue, and I won't invent it." }
        if let suggestion = trip.suggestion, suggestion.city != trip.place?.city {
            text +=
                " \(suggestion.city), \(suggestion.country), would come closest to what you told me: say \"yes\" for a plan."
        }
        if let place = trip.place { text += " Your plan for \(place.city) stands as it is." }
        return text + "\n\nThe places that I know:\n\n\(Catalogue.overview)"
    }
}

extension Trip {
    /// Whether "yes" just chose a place: there is a destination that has no plan yet.
    fileprivate func isAgreed(_ statements: [Statement]) -> Bool {
        statements.contains(.agree) && brief.destination != nil && brief.destination != place?.city
    }
}
