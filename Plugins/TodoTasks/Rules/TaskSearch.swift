/// Finds tasks by what people call them.
enum TaskSearch {
    /// The tasks with exactly this title; else those whose title holds the name; else those that hold all of its words.
    static func find(_ name: String, in tasks: [Work.Known]) -> [Work.Known] {
        let name = folded(name)
        let exact = tasks.filter { folded($0.title) == name }
        if !exact.isEmpty { return exact }
        let words = name.split(separator: " ").filter { !fillers.contains(String($0)) }
        guard !words.isEmpty else { return [] }
        let holding = tasks.filter { (" " + folded($0.title) + " ").contains(" \(name) ") }
        if !holding.isEmpty { return holding }
        return tasks.filter { task in
            let title = folded(task.title).split(separator: " ")
            return words.allSatisfy { word in title.contains { isAlike($0, word) } }
        }
    }

    private static let fillers: Set = [
        "the", "my", "a", "an", "to", "task", "todo", "one", "about", "for", "with", "that",
    ]

    /// "groceries" and "grocery", "meeting" and "meetings": the longer word goes on for two letters at most.
    private static func isAlike(_ a: Substring, _ b: Substring) -> Bool {
        if a == b { return true }
        let common = zip(a, b).prefix { $0 == $1 }.count
        return common >= 4 && max(a.count, b.count) - common <= 3
    }

    /// Lower case, without punctuation, one blank between words.
    private static func folded(_ text: String) -> String {
        let plain = text.lowercased().map { $0.isLetter || $0.isNumber ? $0 : ($0 == "'" || $0 == "’" ? "\0" : " ") }
        return plain.filter { $0 != "\0" }.split(separator: " ").map { String($0) }.joined(separator: " ")
    }
}
