/// What the traveller says, taken into the trip.
extension Trip {
    /// Takes over one message.
    /// - Returns: what changed in a plan that there is already, in sentences for the traveller.
    mutating func hear(_ statements: [Statement]) -> [String] {
        if isRefused {
            // That place has had its answer; what counts is what is said now.
            brief.destination = statements.contains(.agree) ? suggestion?.city ?? place?.city : place?.city
            (isRefused, suggestion) = (false, nil)
        }
        return statements.flatMap { take($0) }
    }

    private mutating func take(_ statement: Statement) -> [String] {
        let hadPlan = !days.isEmpty
        let news: [String]
        switch statement {
        case .place(let name): return go(to: name)
        case .region(let region): return go(toRegion: region)
        case .name, .agree, .greeting, .thanks, .askPlaces, .askSeason, .askFood, .showPlan, .travel: return []
        case .goAhead:
            brief.goesAhead = true
            return []
        case .season(let season):
            brief.season = season
            news = ["The plan is now for \(seasonText ?? "another season")."]
        case .party(let party):
            brief.party = party
            news = ["The plan is now for \(party.text)."]
        case .amount(let amount):
            brief.amount = amount
            news = ["I noted your budget of \(amount)."]
        case .pace(let pace):
            brief.pace = pace
            news = [Trip.paceNews(pace)]
        case .start(let start):
            brief.start = start
            news = ["The trip starts on \(start.label(0))."]
        case .interests(let interests):
            let new = interests.filter { !brief.interests.contains($0) }
            brief.interests += new.prefix(max(0, 12 - brief.interests.count))
            news = hadPlan ? new.flatMap { more($0, day: nil) } : []
        default: news = change(statement)
        }
        return hadPlan ? news : []
    }

    private mutating func go(to name: String) -> [String] {
        guard folded(name) != folded(place?.city ?? "") else {
            brief.destination = place?.city
            return []
        }
        brief.destination = name
        return []
    }

    /// Another region means another place, unless that is in it.
    private mutating func go(toRegion region: String) -> [String] {
        brief.region = region
        let current = brief.destination.flatMap(Catalogue.entry)
        if let current, current.region == region { return [] }
        brief.destination = nil
        place = nil
        days = []
        return []
    }

    /// The season in the words of the traveller's destination: "in January (summer there)".
    var seasonText: String? {
        let isSouthern = (place ?? brief.destination.flatMap(Catalogue.entry))?.isSouthern ?? false
        switch brief.season {
        case .named(let name): return name
        case .month(let month) where isSouthern:
            return "\(Start.months[month - 1]) (\(Season.month(month).name(inTheSouth: true)) there)"
        case .month(let month): return Start.months[month - 1]
        case nil: return nil
        }
    }

    private static func paceNews(_ pace: Brief.Pace) -> String {
        switch pace {
        case .slow: "I slowed the plan down: every second afternoon in town is open."
        case .normal: "The plan is back at a normal pace."
        case .full: "I filled the days: each afternoon has one more stop, if your legs allow."
        }
    }
}
