internal import AgentPluginKit

/// The places that are known. Ties go to the earlier entry: new ones go to the end.
enum Catalogue {
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

    static let entries = [
        Destination(
            city: "Kyoto", country: "Japan", region: "Asia",
            summary: "Temples, gardens and quiet lanes, with one of the finest kitchens of Japan.", days: 3...5,
            seasons: ["spring", "fall"], themes: ["culture", "history", "food", "nature"],
            highlights: [
                "the gates of Fushimi Inari Taisha", "a tea ceremony in Gion", "the bamboo of Arashiyama",
                "the Philosopher's Path",
            ],
            cuisine: ["kaiseki", "matcha sweets", "ramen"],
            tips: ["Visit the famous shrines before nine.", "An IC card pays for trains and buses alike."]),
        Destination(
            city: "Lisbon", country: "Portugal", region: "Europe",
            summary: "Bright hills over the Tejo, tiled houses, and the sea around the corner.", days: 3...5,
            seasons: ["spring", "fall"], themes: ["culture", "food", "nightlife", "coast"],
            highlights: ["Tram 28 and Alfama", "the palaces of Sintra", "Belém", "the Senhora do Monte viewpoint"],
            cuisine: ["seafood", "petiscos", "pastel de nata"],
            tips: ["Wear shoes that grip on cobbles.", "Take an early train to Sintra."]),
        Destination(
            city: "Reykjavík", country: "Iceland", region: "Europe",
            summary: "A small capital between hot springs, waterfalls and long summer light.", days: 4...7,
            seasons: ["summer"], themes: ["nature", "adventure", "wellness"],
            highlights: ["the Golden Circle", "the Blue or Sky Lagoon", "whale watching", "the South Coast falls"],
            cuisine: ["lamb", "seafood", "skyr"],
            tips: ["Book lagoons ahead.", "Pack layers and something waterproof in every season."]),
        Destination(
            city: "Mexico City", country: "Mexico", region: "Americas",
            summary: "Museums, markets and murals at 2,200 metres, and street food at every corner.", days: 4...7,
            seasons: ["spring", "fall"], themes: ["culture", "food", "art"],
            highlights: [
                "the Frida Kahlo Museum and Coyoacán", "street food in Roma", "a balloon over Teotihuacán",
                "the boats of Xochimilco",
            ],
            cuisine: ["tacos al pastor", "mole", "mezcal"],
            tips: ["Take the first day slowly: the air is thin.", "Buy museum tickets online."]),
        Destination(
            city: "Queenstown", country: "New Zealand", region: "Oceania",
            summary: "A lake under sharp peaks where every walk ends with a view.", days: 4...6,
            seasons: ["summer", "fall"], themes: ["adventure", "nature"],
            highlights: ["Milford Sound", "the drive to Glenorchy", "wine in Arrowtown", "Ben Lomond"],
            cuisine: ["pinot noir", "burgers", "lamb"],
            tips: ["Seasons are those of the south.", "Weather changes fast: keep a spare day."]),
    ]
}
