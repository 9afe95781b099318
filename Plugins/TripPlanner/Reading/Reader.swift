/// Reads messages: which statements are in them. Each subject has a function of its own, here and in `Reader+Changes`.
struct Reader {
    private(set) var statements: [Statement] = []

    static func read(_ text: String) -> [Statement] {
        var reader = Reader()
        // Quoted lines were said before, by the planner most often.
        let own = text.split(separator: "\n").filter { !$0.hasPrefix(">") && !$0.hasPrefix("[attachment: ") }
        let message = Message(own.joined(separator: "\n"))
        for sentence in message.sentences { reader.read(sentence) }
        if reader.statements.isEmpty { reader.readName(message) }
        return reader.statements
    }

    mutating func add(_ statement: Statement) {
        if !statements.contains(statement) { statements.append(statement) }
    }

    private mutating func read(_ sentence: Message) {
        readTalk(sentence)
        if readChanges(sentence) { return }
        readRegion(sentence)
        readPlace(sentence)
        readLength(sentence)
        readDates(sentence)
        readSeason(sentence)
        readParty(sentence)
        readBudget(sentence)
        readPace(sentence)
        readInterests(sentence)
    }

    // MARK: Where

    private mutating func readRegion(_ sentence: Message) {
        for (region, names) in Vocabulary.regions {
            for name in names {
                guard let index = sentence.index(of: name), sentence.word(index - 1) != "from" else { continue }
                // "South Africa" is a country.
                if name == "africa" && sentence.word(index - 1) == "south" { continue }
                add(.region(region))
            }
        }
    }

    private mutating func readPlace(_ sentence: Message) {
        if let city = Reader.city(in: sentence) {
            add(.place(city))
        } else if let name = Reader.unknownPlace(in: sentence) {
            add(.place(name))
        }
    }

    /// The city that is named last, except in "not Kyoto", "from Kyoto", "instead of Kyoto".
    static func city(in sentence: Message) -> String? {
        var best: (index: Int, city: String)?
        func consider(_ name: String, _ city: String) {
            var start = 0
            while let index = sentence.index(of: name, from: start) {
                let before = sentence.word(index - 1)
                let isRefused =
                    ["not", "from", "than"].contains(before)
                    || (before == "of" && sentence.word(index - 2) == "instead")
                if !isRefused && index >= best?.index ?? 0 { best = (index, city) }
                start = index + 1
            }
        }
        for entry in Catalogue.entries {
            consider(folded(entry.city), entry.city)
            consider(folded(entry.country), entry.city)
        }
        if best == nil {
            for entry in Catalogue.entries {
                for name in Vocabulary.otherNames[entry.city] ?? [] { consider(name, entry.city) }
            }
        }
        return best?.city
    }

    /// A name behind "to", "in" or the like: "Plan a trip to Atlantis". In small letters only where nothing else can stand.
    private static func unknownPlace(in sentence: Message) -> String? {
        for lead in ["trip to", "travel to", "fly to", "days in", "week in", "weekend in", "vacation in", "holiday in"]
        {
            guard let index = sentence.index(of: lead) else { continue }
            let next = index + 2
            if !sentence.word(next).isEmpty, !Vocabulary.known.contains(sentence.word(next)) {
                return name(sentence, from: next, asWritten: sentence.written[next].first?.isUppercase == true)
            }
        }
        for index in sentence.words.indices
        where ["to", "in", "visit", "about", "see", "for"].contains(sentence.words[index]) {
            let next = index + 1
            guard sentence.written.indices.contains(next), sentence.written[next].first?.isUppercase == true,
                !Vocabulary.known.contains(sentence.word(next))
            else { continue }
            return name(sentence, from: next, asWritten: true)
        }
        return nil
    }

    /// A name of one word, or of more if they are written in capitals.
    private static func name(_ sentence: Message, from start: Int, asWritten: Bool) -> String {
        var end = start + 1
        while asWritten, end < min(start + 3, sentence.written.count), sentence.written[end].first?.isUppercase == true,
            !Vocabulary.known.contains(sentence.words[end])
        {
            end += 1
        }
        let name = sentence.written[start..<end].joined(separator: " ")
        return String((asWritten ? name : name.prefix(1).uppercased() + name.dropFirst()).prefix(60))
    }

    private mutating func readName(_ message: Message) {
        guard (1...3).contains(message.words.count), let first = message.written.first?.first, first.isUppercase else {
            return
        }
        add(.name(message.text(from: 0)))
    }

    // MARK: When and how long

    private mutating func readSeason(_ sentence: Message) {
        for (season, names) in Vocabulary.seasons where names.contains(where: { sentence.index(of: $0) != nil }) {
            add(.season(.named(season)))
        }
        for (index, word) in sentence.words.enumerated() {
            guard let month = Vocabulary.months.firstIndex(of: word), Reader.isMonth(sentence, index) else { continue }
            add(.season(.month(month + 1)))
        }
    }

    /// "may" and "march" are verbs, too.
    private static func isMonth(_ sentence: Message, _ index: Int) -> Bool {
        guard ["may", "march"].contains(sentence.words[index]) else { return true }
        let before = sentence.word(index - 1)
        return ["in", "of", "early", "mid", "late", "next", "during"].contains(before)
            || before.first?.isNumber == true || sentence.word(index + 1).first?.isNumber == true
            || (index > 0 && sentence.written[index].first?.isUppercase == true)
    }

    private mutating func readDates(_ sentence: Message) {
        var dates: [(month: Int, day: Int)] = []
        for index in sentence.words.indices {
            let word = sentence.words[index]
            let parts = word.split(separator: "-").compactMap { Int($0) }
            if parts.count == 3, parts[0] > 1000 { dates.append((parts[1], parts[2])) }
            guard let month = Vocabulary.months.firstIndex(of: word), Reader.isMonth(sentence, index) else { continue }
            let ahead = Reader.days(sentence.word(index + 1))
            let behind = Reader.days(sentence.word(index - (sentence.word(index - 1) == "of" ? 2 : 1)))
            for day in ahead.isEmpty ? behind : ahead { dates.append((month + 1, day)) }
        }
        guard let first = dates.first, let start = Start(month: first.month, day: first.day) else {
            return readWeekday(sentence)
        }
        add(.start(start))
        add(.season(.month(first.month)))
        if let last = dates.last, dates.count > 1, last.month == first.month, last.day > first.day {
            add(.length(last.day - first.day + 1))
        }
    }

    /// `3`, `3rd` or `3-7`.
    private static func days(_ word: String) -> [Int] {
        word.split(separator: "-").compactMap { Vocabulary.ordinal(String($0)) ?? Int($0) }.filter {
            (1...31).contains($0)
        }
    }

    private mutating func readWeekday(_ sentence: Message) {
        guard sentence.has("start", "starting", "starts", "arrive", "arriving", "begin", "leave", "leaving", "from")
        else { return }
        if let day = sentence.words.lazy.compactMap({ Vocabulary.weekdays.firstIndex(of: $0) }).first {
            add(.start(.weekday(day)))
        }
    }

    /// "5 days", "5-day", "a week", "weekend", "4 nights".
    private mutating func readLength(_ sentence: Message) {
        if statements.contains(where: { if case .longer = $0 { true } else { false } }) { return }
        for (index, word) in sentence.words.enumerated() {
            let parts = word.split(separator: "-").map(String.init)
            let before = sentence.word(index - 1)
            if parts.count >= 2, ["day", "days"].contains(parts[1]), let days = Vocabulary.number(parts[0]) {
                return add(.length(days))
            }
            if sentence.word(index - 2) == "in" && sentence.word(index + 1) != "in" { continue }
            if ["day", "days"].contains(word), let days = Vocabulary.number(before) { return add(.length(days)) }
            if ["night", "nights"].contains(word), let nights = Vocabulary.number(before) {
                return add(.length(nights + 1))
            }
            if word == "fortnight" { return add(.length(14)) }
            if ["week", "weeks"].contains(word), !["next", "last", "this", "every"].contains(before) {
                return add(.length(7 * (Vocabulary.number(before) ?? (word == "week" ? 1 : 2))))
            }
            if word == "weekend" { return add(.length(before == "long" ? 3 : 2)) }
        }
    }

    // MARK: Who, how and what

    private mutating func readParty(_ sentence: Message) {
        let hasChildren = sentence.has(
            "kids", "kid", "children", "child", "baby", "toddler", "toddlers", "son", "daughter", "family")
        let people = ["adults", "adult", "people", "persons", "friends", "travellers", "travelers", "women", "men"]
        for (index, word) in sentence.words.enumerated() {
            guard let count = Vocabulary.number(word), (1...99).contains(count) else { continue }
            let next = sentence.word(index + 1)
            let before = sentence.word(index - 1)
            let isGroup =
                people.contains(next) || (next == "of" && sentence.word(index + 2) == "us")
                || (["for", "we're", "are"].contains(before)
                    && (next.isEmpty || sentence.pauses.contains(index) || ["in", "on", "with", "and"].contains(next)))
            guard isGroup else { continue }
            let noun = people.contains(next) ? next : count == 1 ? "person" : "people"
            return add(
                .party(.init(text: "\(word) \(noun)" + (hasChildren ? " with children" : ""), hasChildren: hasChildren))
            )
        }
        if hasChildren { return add(.party(.init(text: "a family with children", hasChildren: true))) }
        if sentence.has("couple", "wife", "husband", "partner", "girlfriend", "boyfriend", "honeymoon") {
            return add(.party(.init(text: "a couple")))
        }
        if sentence.has("solo", "alone", "myself", "just me", "only me") {
            return add(.party(.init(text: "one traveller")))
        }
        if sentence.has("friends", "friend") { add(.party(.init(text: "a group of friends"))) }
    }

    private mutating func readBudget(_ sentence: Message) {
        for (index, word) in sentence.words.enumerated() {
            let hasSign = word.contains { "€$£".contains($0) } && word.contains(where: \.isNumber)
            let next = sentence.word(index + 1)
            let currencies = [
                "euro", "euros", "eur", "dollars", "dollar", "usd", "pounds", "gbp", "yen", "pesos", "€", "$", "£",
            ]
            guard word.first.map({ $0.isNumber || hasSign }) == true, hasSign || currencies.contains(next) else {
                continue
            }
            add(
                .amount(hasSign ? sentence.written[index] : "\(sentence.written[index]) \(sentence.written[index + 1])")
            )
        }
        if statements.contains(.cheaper) || statements.contains(.pricier) { return }
        if sentence.has(
            "not expensive", "not too expensive", "cheap", "cheaply", "affordable", "inexpensive", "backpacking",
            "on a budget", "low-budget", "low budget", "small budget", "tight budget", "budget-friendly", "budget low",
            "low cost",
            "low-cost", "student budget", "shoestring")
        {
            add(.budget(.low))
        } else if sentence.has(
            "luxury", "luxurious", "high-end", "high budget", "big budget", "expensive", "splurge",
            "no object", "no limit", "five-star", "upscale")
        {
            add(.budget(.high))
        } else if sentence.has(
            "mid-range", "midrange", "mid range", "moderate", "medium", "average", "mid budget", "mid-budget",
            "normal budget", "reasonable", "middle")
        {
            add(.budget(.middle))
        }
    }

    private mutating func readPace(_ sentence: Message) {
        if sentence.has(
            "slower", "slow", "slow down", "relaxed", "easy pace", "take it easy", "easier", "leisurely", "less busy",
            "less packed", "too packed", "too rushed", "too busy", "too much", "less stressful", "not rushed", "calmer")
        {
            add(.pace(.slow))
        } else if sentence.has(
            "faster", "busier", "packed", "fast pace", "fast-paced", "as much as possible", "full days")
        {
            add(.pace(.full))
        } else if sentence.has("normal pace", "moderate pace", "usual pace") {
            add(.pace(.normal))
        }
    }

    private mutating func readInterests(_ sentence: Message) {
        var interests = Vocabulary.interests.keys.sorted().filter { theme in
            Vocabulary.interests[theme]?.contains { sentence.index(of: $0) != nil } == true && !isWeighed(theme)
        }
        if interests.isEmpty, statements.isEmpty {
            let verbs = ["like", "love", "enjoy", "into"]
            let verb = sentence.words.firstIndex(where: verbs.contains)
            if let verb, !["would", "i'd", "we'd", "don't", "dont", "not"].contains(sentence.word(verb - 1)),
                sentence.word(verb + 1).count > 3,
                !Vocabulary.known.contains(sentence.word(verb + 1))
            {
                interests = [String(sentence.word(verb + 1).prefix(30))]
            }
        }
        if !interests.isEmpty { add(.interests(interests)) }
    }

    /// Whether there shall be more or less of a theme: that says all about it.
    private func isWeighed(_ theme: String) -> Bool {
        statements.contains { statement in
            switch statement {
            case .more(let term, _), .less(let term, _), .fewer(let term): Vocabulary.theme(of: term) == theme
            default: false
            }
        }
    }
}
