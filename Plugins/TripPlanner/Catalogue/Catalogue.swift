internal import AgentPluginKit

/// The places that are known.
enum Catalogue {
    /// Ties go to the earlier entry: new ones go to the end.
    static let entries: [Destination] = [
        .kyoto, .lisbon, .reykjavik, .mexicoCity, .queenstown,
        .marrakesh, .capeTown, .hanoi, .singapore, .rome, .edinburgh, .vienna, .buenosAires, .vancouver, .melbourne,
    ]

    /// The entry that fits best.
    /// - Throws: ``ToolError`` without any hint, or if nothing fits.
    static func lookUp(_ wishes: Preferences) throws -> Destination {
        guard !wishes.isEmpty else {
            throw ToolError("Error: At least one preference is needed to look up a destination")
        }
        var best: (entry: Destination, score: Int)?
        for entry in entries {
            let score = entry.score(wishes)
            if score > best?.score ?? 0 { best = (entry, score) }
        }
        guard let best else { throw ToolError("Error: No destination of the catalogue fits these preferences") }
        return best.entry
    }

    /// The entry of a city, written as in the catalogue.
    static func entry(of city: String) -> Destination? { entries.first { $0.city == city } }

    /// Cities by region, for a traveller whose place is unknown.
    static var overview: String {
        var regions: [String] = []
        for entry in entries where !regions.contains(entry.region) { regions.append(entry.region) }
        return regions.map { region in
            "- **\(region)**: " + entries.filter { $0.region == region }.map(\.city).joined(separator: ", ")
        }.joined(separator: "\n")
    }

    /// Whether a word is a theme, or stands in the texts of some place.
    static func mentions(_ term: String) -> Bool {
        Vocabulary.theme(of: term) != nil
            || (term.count > 3 && entries.contains { $0.outings.contains { $0.isAbout(term) } })
    }
}
