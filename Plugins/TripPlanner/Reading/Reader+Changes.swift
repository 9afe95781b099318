/// Changes of a plan, and talk.
extension Reader {
    /// - Returns: whether the sentence is about single days and says nothing of the whole trip.
    mutating func readChanges(_ sentence: Message) -> Bool {
        readLonger(sentence)
        let before = statements.count
        let days = Reader.dayNumbers(in: sentence)
        if let first = days.first {
            readDays(sentence, first, days.dropFirst().first)
            if statements.count > before { return true }
        }
        if sentence.has("rest day", "free day"), days.isEmpty, sentence.has("add", "want", "need", "with", "include") {
            add(.free(0))
        }
        if sentence.has("cheaper", "less expensive", "save money", "lower budget", "lower the budget") { add(.cheaper) }
        if sentence.has("more luxury", "more luxurious", "more expensive", "fancier", "more upscale") { add(.pricier) }
        readMoreAndLess(sentence, day: nil)
        return false
    }

    /// `day 2`, `second day`, `day one`; "swap day 1 and 2" names two.
    private static func dayNumbers(in sentence: Message) -> [Int] {
        var numbers: [Int] = []
        for (index, word) in sentence.words.enumerated() {
            let previous = sentence.word(index - 1)
            if let number = Vocabulary.number(word) {
                let isListed = ["and", "with", "to", "&"].contains(previous) && !numbers.isEmpty
                let counts =
                    ["days", "day", "nights", "people"].contains(sentence.word(index + 1)) && previous != "day"
                if ["day", "days"].contains(previous) || (isListed && !counts) { numbers.append(number) }
            } else if let ordinal = Vocabulary.ordinal(word), sentence.has("day", "days"), !isDate(sentence, index) {
                numbers.append(ordinal)
            } else if word == "last", sentence.word(index + 1) == "day" {
                numbers.append(lastDay)
            }
        }
        return numbers
    }

    /// Stands for the last day, however many there are.
    static let lastDay = -1

    private static func isDate(_ sentence: Message, _ index: Int) -> Bool {
        [index - 1, index + 1, index + 2].contains { Vocabulary.months.contains(sentence.word($0)) }
    }

    /// What shall happen to a day, or to two.
    private mutating func readDays(_ sentence: Message, _ day: Int, _ other: Int?) {
        if let other, sentence.has("swap", "switch", "exchange", "flip", "reverse") { return add(.swap(day, other)) }
        if let other, sentence.has("move", "shift", "put") { return add(.move(day, to: other)) }
        if Reader.removesDay(sentence) { return add(.remove(day)) }
        if sentence.has("free", "nothing", "rest", "relax", "empty", "off", "open") { return add(.free(day)) }
        let before = statements.count
        readMoreAndLess(sentence, day: day)
        if statements.count > before { return }
        let verbs = [
            "replace", "change", "swap", "switch", "redo", "make", "exchange", "should", "be", "different", "do", "use",
            "rather", "prefer", "have",
            "spend", "instead", "want",
        ]
        // "Make day 1 less packed" is about the pace.
        if sentence.has("packed", "relaxed", "slower", "busy", "easier", "rushed") { return }
        let isOnlyDay = ["day", "on"].contains(sentence.word(0))
        guard isOnlyDay || sentence.words.contains(where: verbs.contains) else { return }
        let theme = sentence.words.first { Vocabulary.theme(of: $0) != nil }
        add(.replace(day, with: Reader.replacement(in: sentence) ?? theme))
    }

    /// "remove day 2", but not "remove the museums on day 2".
    private static func removesDay(_ sentence: Message) -> Bool {
        sentence.words.indices.contains { index in
            guard ["remove", "drop", "delete", "cancel", "skip"].contains(sentence.words[index]) else { return false }
            let next = sentence.word(index + (sentence.word(index + 1) == "the" ? 2 : 1))
            return next == "day" || next == "last" || Vocabulary.ordinal(next) != nil
        }
    }

    /// What stands behind the day: "with a beach day", "about food", "be at the beach".
    private static func replacement(in sentence: Message) -> String? {
        guard let day = sentence.words.lastIndex(where: { $0 == "day" }) else { return nil }
        var start = sentence.words.firstIndex { $0 == "day" } ?? day
        if Vocabulary.number(sentence.word(start + 1)) != nil { start += 1 }
        start += 1
        let links: Set = [
            "with", "for", "to", "by", "be", "about", "into", "should", "a", "an", "the", "of", "at", "in", "something",
            "can", "please", "instead", "else", "different", "is", "as", "we", "i", "want", "on", "some", "more",
        ]
        while links.contains(sentence.word(start)) { start += 1 }
        var words = Array(sentence.written.dropFirst(start).prefix(12))
        while let last = words.last, ["day", "please", "instead"].contains(folded(last)) { words.removeLast() }
        return words.isEmpty ? nil : String(words.joined(separator: " ").prefix(80))
    }

    private mutating func readLonger(_ sentence: Message) {
        for (index, word) in sentence.words.enumerated()
        where ["more", "extra", "additional", "longer", "less", "fewer", "shorter"].contains(word) {
            let sign = ["less", "fewer", "shorter"].contains(word) ? -1 : 1
            let next = sentence.word(index + 1)
            if ["day", "days"].contains(next)
                || (["longer", "shorter", "more", "less"].contains(word)
                    && ["day", "days"].contains(sentence.word(index - 1)))
            {
                let number = [index - 1, index - 2].lazy.compactMap { Vocabulary.number(sentence.word($0)) }.first ?? 1
                return add(.longer(by: sign * min(number, 14)))
            }
            if ["longer", "shorter"].contains(word) { return add(.longer(by: sign)) }
        }
        if let index = sentence.index(of: "add"), ["day", "days"].contains(sentence.word(index + 2)) {
            let number = sentence.word(index + 1) == "a" ? 1 : Vocabulary.number(sentence.word(index + 1))
            if let number { return add(.longer(by: number)) }
        }
        guard let index = sentence.index(of: "make it") else { return }
        if let days = Vocabulary.number(sentence.word(index + 2)),
            ["", "day", "days", "instead", "and", "please"].contains(sentence.word(index + 3))
        {
            add(.length(days))
        }
    }

    private mutating func readMoreAndLess(_ sentence: Message, day: Int?) {
        for (index, word) in sentence.words.enumerated() {
            let isWish =
                ["see", "visit"].contains(word) && !statements.contains(.showPlan) && Reader.city(in: sentence) == nil
            let isMore = isWish || ["more", "add", "include", "extra"].contains(word)
            let isLess =
                ["less", "fewer", "no", "without", "skip", "avoid", "hate", "remove", "drop"].contains(word)
                || (word == "not" && ["interested", "want"].contains(sentence.word(index + 1)))
                || (["don't", "dont"].contains(word) && ["like", "want"].contains(sentence.word(index + 1)))
            guard isMore || isLess, !sentence.pauses.contains(index), let term = Reader.term(in: sentence, after: index)
            else { continue }
            // "No, …" is an answer; "no" and "add" say many things: they count before something that can be meant.
            guard ["more", "less", "fewer", "without", "don't", "dont"].contains(word) || Catalogue.mentions(term)
            else { continue }
            let isWeighed = ["less", "fewer"].contains(word) && day == nil
            add(isMore ? .more(term, day: day) : isWeighed ? .fewer(term) : .less(term, day: day))
            if isLess, let with = sentence.index(of: "with", from: index),
                let other = Reader.term(in: sentence, after: with)
            {
                add(.more(other, day: day))
            }
        }
        if let index = sentence.index(of: "replace"), day == nil, let with = sentence.index(of: "with"), index < with,
            let old = Reader.term(in: sentence, after: index), let new = Reader.term(in: sentence, after: with)
        {
            add(.less(old, day: nil))
            add(.more(new, day: nil))
        }
    }

    /// The thing that there should be more or less of: the first word behind that is neither small nor about something else.
    private static func term(in sentence: Message, after index: Int) -> String? {
        let small: Set = [
            "a", "an", "the", "of", "interested", "in", "want", "to", "see", "like", "any", "some", "time", "for",
            "too", "many", "visit", "with", "go", "famous", "local", "good", "street",
        ]
        let other: Set = [
            "days", "day", "relaxed", "expensive", "luxury", "luxurious", "upscale", "busy", "packed", "stressful",
            "problem", "idea", "preference", "preferences", "thanks", "thank", "money", "limit", "than", "it", "that",
            "this", "budget", "people", "rest", "free", "or", "and", "one", "rush", "hurry", "matter",
        ]
        let rest = sentence.words.dropFirst(index + 1).prefix(5)
        guard let word = rest.first(where: { !small.contains($0) }), !other.contains(word), word.count > 2,
            Vocabulary.number(word) == nil
        else { return nil }
        return String(word.prefix(30))
    }

    mutating func readTalk(_ sentence: Message) {
        if sentence.has(
            "go ahead", "just plan", "surprise me", "you choose", "you decide", "whatever", "anything", "no preference",
            "no preferences", "don't mind", "don't care", "up to you", "anywhere", "not sure")
        {
            add(.goAhead)
        }
        if ["hi", "hello", "hey", "hola", "hallo"].contains(sentence.word(0)) { add(.greeting) }
        if sentence.has("thanks", "thank you", "perfect", "great", "looks good") && sentence.words.count < 8 {
            add(.thanks)
        }
        if ["yes", "ok", "okay", "sure", "yeah", "fine"].contains(sentence.word(0)) { add(.agree) }
        let asksForPlaces =
            sentence.has("which", "what", "where")
            && sentence.has("cities", "places", "destinations", "regions", "catalogue", "catalog")
        if asksForPlaces
            || sentence.has(
                "where can i go", "where can we go", "where should i go", "where should we go", "do you know")
        {
            add(.askPlaces)
        }
        if sentence.has("best time", "when should", "when is", "best season") { add(.askSeason) }
        if sentence.has("what to eat", "what should i eat", "what should we eat", "what can i eat", "typical dishes") {
            add(.askFood)
        }
        if sentence.has("show", "repeat", "whole plan", "plan again", "see the plan") { add(.showPlan) }
        if sentence.has(
            "trip", "travel", "plan", "itinerary", "visit", "vacation", "holiday", "holidays", "journey", "getaway",
            "go somewhere", "going")
        {
            add(.travel)
        }
    }
}
