internal import AgentPluginKit

/// How a trip is written down.
extension Trip {
    /// Reads notes; whatever is missing or makes no sense is as if nobody had said it.
    init(_ json: JSON) {
        brief = Brief(json)
        place = json["place"]?.string.flatMap(Catalogue.entry)
        if let place {
            days = (json["days"]?.array ?? []).prefix(Brief.lengths.upperBound).compactMap { Day($0, in: place) }
        }
    }

    var json: JSON {
        var object = brief.json
        object["place"] = place.map { .string($0.city) }
        if !days.isEmpty { object["days"] = .array(days.map(\.json)) }
        return .object(object)
    }
}

extension Brief {
    fileprivate init(_ json: JSON) {
        destination = json["destination"]?.string
        region = json["region"]?.string
        season = json["season"]?.string.flatMap { Season.names.contains($0) ? .named($0) : nil }
        if let month = json["month"]?.int, (1...12).contains(month) { season = .month(month) }
        interests = (json["interests"]?.array ?? []).compactMap(\.string)
        avoided = (json["avoided"]?.array ?? []).compactMap(\.string)
        length = json["length"]?.int.flatMap { Brief.lengths.contains($0) ? $0 : nil }
        party = json["party"]?.string.map { Party(text: $0, hasChildren: json["children"]?.bool ?? false) }
        budget = json["budget"]?.string.flatMap(Budget.init)
        amount = json["amount"]?.string
        pace = json["pace"]?.string.flatMap(Pace.init) ?? .normal
        if let day = json["start"]?["weekday"]?.int, Start.weekdays.indices.contains(day) { start = .weekday(day) }
        if let month = json["start"]?["month"]?.int, let day = json["start"]?["day"]?.int {
            start = Start(month: month, day: day)
        }
        wantsMoreFood = json["more_food"]?.bool ?? false
        goesAhead = json["goes_ahead"]?.bool ?? false
    }

    fileprivate var json: JSONObject {
        var object = JSONObject()
        object["destination"] = destination.map(JSON.string)
        object["region"] = region.map(JSON.string)
        switch season {
        case .named(let name): object["season"] = .string(name)
        case .month(let month): object["month"] = .int(month)
        case nil: break
        }
        if !interests.isEmpty { object["interests"] = .array(interests.map(JSON.string)) }
        if !avoided.isEmpty { object["avoided"] = .array(avoided.map(JSON.string)) }
        object["length"] = length.map(JSON.int)
        object["party"] = party.map { .string($0.text) }
        if party?.hasChildren == true { object["children"] = true }
        object["budget"] = budget.map { .string($0.rawValue) }
        object["amount"] = amount.map(JSON.string)
        if pace != .normal { object["pace"] = .string(pace.rawValue) }
        switch start {
        case .date(let month, let day): object["start"] = ["month": .int(month), "day": .int(day)]
        case .weekday(let day): object["start"] = ["weekday": .int(day)]
        case nil: break
        }
        if wantsMoreFood { object["more_food"] = true }
        if goesAhead { object["goes_ahead"] = true }
        return object
    }
}

extension Day {
    fileprivate init?(_ json: JSON, in place: Destination) {
        guard let meal = json["meal"]?.int, place.eveningMeals.indices.contains(meal) else { return nil }
        self.meal = meal
        if let own = json["own"]?.string {
            content = .own(own)
        } else if let index = json["outing"]?.int {
            guard place.outings.indices.contains(index) else { return nil }
            content = .outing(index)
        } else {
            content = .free
        }
    }

    fileprivate var json: JSON {
        switch content {
        case .outing(let index): ["outing": .int(index), "meal": .int(meal)]
        case .own(let text): ["own": .string(text), "meal": .int(meal)]
        case .free: ["free": true, "meal": .int(meal)]
        }
    }
}
