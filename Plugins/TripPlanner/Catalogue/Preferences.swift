internal import AgentPluginKit

/// What a traveller wishes. Empty hints count nothing.
struct Preferences: Sendable, Hashable {
    var destination = ""
    var region = ""
    var season = ""
    var interests: [String] = []
    /// In days.
    var length: Int?

    init() {}

    /// From the tool's arguments: in a member `preferences`, or flat.
    init(_ arguments: JSON) {
        let hints = arguments["preferences"]?.object == nil ? arguments : arguments["preferences"] ?? arguments
        destination = hints["destination"]?.string ?? ""
        region = hints["region"]?.string ?? ""
        season = hints["season"]?.string ?? ""
        interests = (hints["interests"]?.array ?? []).compactMap(\.string)
        length = hints["trip_length_days"]?.int
    }

    var json: JSON {
        var object = JSONObject()
        if !destination.isEmpty { object["destination"] = .string(destination) }
        if !region.isEmpty { object["region"] = .string(region) }
        if !season.isEmpty { object["season"] = .string(season) }
        if !interests.isEmpty { object["interests"] = .array(interests.map(JSON.string)) }
        object["trip_length_days"] = length.map(JSON.int)
        return .object(object)
    }

    /// Whether there is no hint at all.
    var isEmpty: Bool {
        let texts = [destination, region, season] + interests
        return length == nil && texts.allSatisfy { folded($0).isEmpty }
    }
}

/// Lower case, without accents and blanks around it: the form in which texts are compared.
func folded(_ text: String) -> String {
    var plain = ""
    for character in text.lowercased() {
        let base = accents.first { $0.accented.contains(character) }?.base ?? character
        plain.append(base)
    }
    let start = plain.firstIndex { !$0.isWhitespace } ?? plain.endIndex
    let end = plain.lastIndex { !$0.isWhitespace }.map { plain.index(after: $0) } ?? start
    return String(plain[start..<end])
}

/// Compared as characters, so that composed and decomposed accents are the same.
private let accents: [(base: Character, accented: String)] = [
    ("a", "áàâäãåā"), ("c", "çćč"), ("e", "éèêëēę"), ("i", "íìîïī"), ("n", "ñń"), ("o", "óòôöõøō"), ("u", "úùûüū"),
    ("y", "ýÿ"), ("s", "śš"), ("z", "źžż"),
]
