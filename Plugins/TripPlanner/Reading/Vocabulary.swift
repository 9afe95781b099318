/// Words that mean something to the planner, folded.
enum Vocabulary {
    static let interests: [String: [String]] = [
        "culture": [
            "culture", "cultural", "museum", "museums", "temple", "temples", "traditions", "shrines", "local life",
        ],
        "history": ["history", "historic", "historical", "ruins", "castles", "ancient"],
        "food": [
            "food", "foods", "foodie", "foodies", "eating", "eat", "cuisine", "restaurants", "gastronomy", "cooking",
        ],
        "nature": ["nature", "landscapes", "outdoors", "gardens", "parks", "wildlife", "animals", "scenery"],
        "nightlife": ["nightlife", "bars", "clubs", "clubbing", "party", "parties"],
        "coast": ["coast", "beach", "beaches", "sea", "ocean", "surfing"],
        "adventure": ["adventure", "adventures", "hiking", "hike", "hikes", "climbing", "trekking", "cycling"],
        "wellness": ["wellness", "spa", "spas", "relaxation", "yoga", "baths", "hot springs"],
        "art": ["art", "arts", "galleries", "architecture", "design", "murals"],
        "music": ["music", "concerts", "opera", "jazz", "tango"],
    ]
    static let seasons: [String: [String]] = [
        "spring": ["spring", "springtime"], "summer": ["summer", "summertime"], "fall": ["fall", "autumn"],
        "winter": ["winter", "wintertime", "christmas"],
    ]
    static let months = Start.months.map { folded($0) }
    static let weekdays = Start.weekdays.map { folded($0) }
    static let regions: [String: [String]] = [
        "Asia": ["asia", "asian", "asien"], "Europe": ["europe", "european", "europa"],
        "Americas": ["americas", "america", "american", "caribbean"], "Oceania": ["oceania", "pacific"],
        "Africa": ["africa", "african", "afrika"],
    ]
    /// Other names of cities and countries; a country stands for its city in the catalogue.
    static let otherNames: [String: [String]] = [
        "Kyoto": ["kioto"], "Lisbon": ["lissabon", "lisboa", "lisbonne"],
        "Reykjavík": ["reykjavik", "reikiavik", "reikjavik", "islandia"],
        "Mexico City": ["ciudad de mexico", "mexiko-stadt", "mexico-stadt", "mexiko stadt", "cdmx", "mexiko"],
        "Queenstown": ["neuseeland", "nueva zelanda"],
        "Marrakesh": ["marrakech", "marrakesch", "marraquech", "marokko", "marruecos"],
        "Cape Town": ["kapstadt", "ciudad del cabo", "capetown", "sudafrica", "sudafrika"], "Hanoi": ["ha noi"],
        "Singapore": ["singapur"], "Rome": ["rom", "roma", "italien", "italia"],
        "Edinburgh": ["edinburg", "edimburgo", "scotland", "schottland", "escocia", "great britain", "uk"],
        "Vienna": ["wien", "viena", "osterreich"], "Buenos Aires": ["argentinien"], "Vancouver": ["kanada"],
        "Melbourne": ["australien"],
    ]
    private static let small = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen",
    ]
    private static let ordinals = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth", "thirteenth", "fourteenth",
    ]
    /// Kinds of sights, and parts of names by which they are known in the catalogue.
    private static let kinds: [String: [String]] = [
        "museum": [
            "museum", "galler", "maxxi", "albertina", "belvedere", "malba", "moca", "acmi", "heide", "perlan", "maat",
        ],
        "church": [
            "church", "cathedral", "basilica", "chapel", "st peter", "santa maria", "san clemente", "kirche", "kirkja",
        ],
        "temple": ["temple", "-ji", "sanzen", "shrine", "taisha", "pagoda", "byodo-in"],
    ]
    /// Words in which a slip of the pen is mended.
    private static let mended: [String] = {
        var words = [
            "autumn", "museums", "budget", "people", "adults", "children", "family", "friends", "couple", "cheaper",
            "instead", "replace", "remove", "luxury", "itinerary", "weekend", "cheap",
        ]
        words += seasons.keys
        words += interests.keys.sorted()
        words += months.filter { $0.count > 5 }
        words += weekdays
        words += Catalogue.entries.map { folded($0.city) }.filter { !$0.contains(" ") }
        return words.filter { $0.count > 4 }
    }()

    /// Every word with a meaning: none of them is the name of a place.
    static let known: Set<String> = {
        var words: Set<String> = []
        for meaning in [interests, seasons, regions] {
            for phrase in meaning.values.joined() { words.formUnion(phrase.split(separator: " ").map(String.init)) }
        }
        for more in [months, weekdays, mended, small, ordinals] { words.formUnion(more) }
        return words.union([
            "i", "we", "us", "me", "my", "our", "day", "days", "the", "a", "an", "english", "german", "spanish",
        ])
    }()

    static func number(_ word: String) -> Int? { small.firstIndex(of: word) ?? (word.count < 5 ? Int(word) : nil) }

    /// `second`, `2nd` or `2.`
    static func ordinal(_ word: String) -> Int? {
        if let index = ordinals.firstIndex(of: word) { return index + 1 }
        let digits = word.prefix { $0.isNumber }
        return ["st", "nd", "rd", "th"].contains(word.dropFirst(digits.count)) ? number(String(digits)) : nil
    }

    /// The theme that a word belongs to, e.g. `nature` for "gardens".
    static func theme(of word: String) -> String? {
        let word = folded(word)
        return interests.keys.sorted().first { $0 == word || interests[$0]?.contains(word) == true }
    }

    /// How a word may stand in the catalogue: `museums` as "museum" and in names of museums.
    static func spellings(of term: String) -> [String] {
        let term = folded(term)
        if let kind = kinds[term] ?? kinds[String(term.dropLast())] ?? kinds[String(term.dropLast(2))] { return kind }
        guard term.count > 2, theme(of: term) != term else { return [] }
        return [term.count > 4 && term.hasSuffix("s") ? String(term.dropLast()) : term]
    }

    /// A word with a small slip mended: one letter missing, doubled, wrong, or two in the wrong order.
    static func mend(_ word: String) -> String {
        guard (5...12).contains(word.count), !known.contains(word) else { return word }
        return mended.first { isSlip(Array(word), of: Array($0)) } ?? word
    }

    private static func isSlip(_ word: [Character], of right: [Character]) -> Bool {
        // People rarely get the first letter wrong; other words differ there.
        guard abs(word.count - right.count) <= 1, word.first == right.first else { return false }
        let start = zip(word, right).prefix { $0 == $1 }.count
        let (rest, rightRest) = (word.dropFirst(start), right.dropFirst(start))
        if rest.dropFirst() == rightRest || rest == rightRest.dropFirst() { return true }
        if rest.dropFirst().elementsEqual(rightRest.dropFirst()) { return true }
        return rest.count == rightRest.count && rest.dropFirst(2).elementsEqual(rightRest.dropFirst(2))
            && rest.prefix(2).reversed().elementsEqual(rightRest.prefix(2))
    }
}
