/// Single words that the grammar knows.
enum Vocabulary {
    static let numbers: [String: Int] = [
        "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    ]

    /// -1 is the last one, -2 the one before.
    static let ordinals: [String: Int] = [
        "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5,
        "last": -1, "latest": -1, "newest": -1, "oldest": 1,
    ]

    /// Words in which slips of the pen are forgiven: one letter wrong, missing, doubled or swapped.
    private static let forgiven = Set(
        """
        create remind remember display complete completed finish finished delete remove cancel change update rename \
        reopen pending please description everything groceries show list mark task tasks
        """.split(separator: " ").map(String.init))

    /// Words that are like the ones above and mean something else.
    private static let different = Set(
        """
        charge chance changed changes charges cream compete competed completes deletes deleted removed remover \
        removes finch fishing fisher finishes canals cancer cancels cancelled updates updated upgrade updater renames \
        renamed spending bending lending sending vending mending tending rewind reminds reminder reminders remembers \
        displays shown shows shot shop slow snow how lists lift last lost mist marks mask make park dark bark ask tasks \
        task tank desk creates created creator descriptions pleased release pleases reopens reopened marked listed
        """.split(separator: " ").map(String.init))

    /// Short slips that no rule could tell from other words.
    private static let slips = [
        "ad": "add", "addd": "add", "dd": "add", "tsk": "task", "taks": "task", "tsak": "task", "takss": "tasks",
        "taskss": "tasks", "shwo": "show", "sho": "show", "lsit": "list", "lst": "list", "makr": "mark", "mrak": "mark",
        "dleete": "delete", "delet": "delete", "pls": "please", "plz": "please", "plase": "please", "u": "you",
        "dun": "done", "dne": "done", "doen": "done", "compleet": "complete", "rember": "remember",
    ]

    /// The known word that `key` probably stands for, or `key`.
    static func corrected(_ key: String) -> String {
        if forgiven.contains(key) || different.contains(key) { return key }
        if let slip = slips[key] { return slip }
        let letters = Array(key.utf8)
        guard letters.count >= 5, letters.count <= 12 else { return key }
        return forgiven.first { $0.utf8.count >= 5 && isOneSlip(letters, Array($0.utf8)) } ?? key
    }

    /// Whether the words differ by one letter that is wrong, missing or too many, or by two that are swapped.
    private static func isOneSlip(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard abs(a.count - b.count) <= 1, let start = zip(a, b).enumerated().first(where: { $1.0 != $1.1 })?.offset
        else { return abs(a.count - b.count) == 1 }
        let (x, y) = (a[start...], b[start...])
        if x.dropFirst() == y.dropFirst() { return true }
        if Array(x.dropFirst()) == Array(y) || Array(x) == Array(y.dropFirst()) { return true }
        return Array(x.prefix(2)) == Array(y.prefix(2).reversed()) && Array(x.dropFirst(2)) == Array(y.dropFirst(2))
    }
}
