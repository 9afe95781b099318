/// A conversation as messages for a model, in the shape of Chat Completions: within a number of messages and a budget of tokens.
///
/// Calls and their results are never separated: both come from one record. What must not be lost is kept whatever it costs: the
/// instructions, the newest message and what a person said last, calls that wait for a person.
struct ModelHistory: Sendable {
    /// Messages that stay together.
    struct Group: Sendable, Hashable {
        let messages: [JSON]
        /// Whether it is a user or assistant message; calls and notes are not counted.
        let counts: Bool
        let isUser: Bool
        /// Whether it stays although newer ones do not.
        let isPinned: Bool
        /// What it costs, about.
        let tokens: Int

        init(messages: [JSON], counts: Bool = false, isUser: Bool = false, isPinned: Bool = false) {
            self.messages = messages
            self.counts = counts
            self.isUser = isUser
            self.isPinned = isPinned
            tokens = messages.reduce(0) { $0 + TokenEstimate.tokens($1) }
        }
    }

    /// A step of the running turn: what the model said, its calls and their results.
    struct Step: Sendable {
        let call: JSON
        let results: [JSON]
        let tokens: Int

        /// - Parameters:
        ///   - text: what the model said before it called.
        ///   - maximumResult: bytes of one result that the model is told.
        init(calls: [ModelCall], text: String, maximumResult: Int = .max) {
            self.init(
                call: [
                    "role": "assistant", "content": text.isEmpty ? nil : .string(text),
                    "tool_calls": .array(calls.map(\.message)),
                ],
                results: calls.map { call in
                    let text = call.outcome?.modelText ?? ""
                    return ModelHistory.result(id: call.id, text: ModelHistory.cut(text, to: maximumResult))
                })
        }

        private init(call: JSON, results: [JSON]) {
            self.call = call
            self.results = results
            tokens = ([call] + results).reduce(0) { $0 + TokenEstimate.tokens($1) }
        }

        /// The same with results that say they were left out.
        fileprivate var withoutResults: Step {
            Step(
                call: call,
                results: results.map { result in
                    ModelHistory.result(id: result["tool_call_id"]?.string ?? "", text: ModelHistory.leftOut)
                })
        }
    }

    private static let leftOut = "[This result was left out to save space. Call the tool again if it is needed.]"

    private let instructions: JSON
    /// The newest, within the number of messages that a model is told, and pinned ones.
    let groups: [Group]

    /// - Parameters:
    ///   - groups: oldest first.
    ///   - limit: user and assistant messages at most.
    init(instructions: String, groups: [Group] = [], limit: Int = .max) {
        self.instructions = ["role": "system", "content": .string(instructions)]
        var counted = 0
        let start =
            groups.indices.reversed().first { index in
                if groups[index].counts { counted += 1 }
                return counted > limit
            }
            .map { $0 + 1 } ?? 0
        let kept = ModelHistory.beginningWithThePerson(groups, start)
        self.groups = groups[..<kept].filter(\.isPinned) + groups[kept...]
    }

    /// A conversation that was cut starts with the person again, if it can.
    private static func beginningWithThePerson(_ groups: [Group], _ start: Int) -> Int {
        guard start > 0, let user = groups[start...].firstIndex(where: \.isUser) else { return start }
        return user
    }

    /// The messages for the next step, and what they cost, about.
    ///
    /// Results of earlier steps of this turn make room first when the turn alone is over the budget; then the oldest messages.
    ///
    /// - Parameters:
    ///   - steps: of the running turn.
    ///   - budget: tokens.
    func messages(with steps: [Step] = [], budget: Int = .max) -> (messages: [JSON], tokens: Int) {
        var tokens = TokenEstimate.tokens(instructions)
        var steps = steps
        var stepTokens = steps.reduce(0) { $0 + $1.tokens }
        for index in steps.indices.dropLast() where tokens + stepTokens > budget {
            stepTokens -= steps[index].tokens
            steps[index] = steps[index].withoutResults
            stepTokens += steps[index].tokens
        }
        tokens += stepTokens
        let kept = keep(budget: budget - tokens)
        tokens += kept.reduce(0) { $0 + $1.tokens }
        return (
            [instructions] + kept.flatMap(\.messages) + steps.flatMap { [$0.call] + $0.results }, tokens
        )
    }

    /// The newest groups that fit, and those that must stay.
    private func keep(budget: Int) -> [Group] {
        let lastUser = groups.lastIndex(where: \.isUser)
        func mustStay(_ index: Int) -> Bool {
            index == groups.count - 1 || index == lastUser || groups[index].isPinned
        }
        var left = budget
        for index in groups.indices where mustStay(index) { left -= groups[index].tokens }
        var start = groups.count
        while start > 0 {
            let index = start - 1
            if !mustStay(index) {
                left -= groups[index].tokens
                if left < 0 { break }
            }
            start = index
        }
        start = ModelHistory.beginningWithThePerson(groups, start)
        return groups.indices.filter { $0 >= start || mustStay($0) }.map { groups[$0] }
    }

    /// Whether a model can be asked with these: each has a role, and each call its result right behind it.
    static func isSound(_ messages: [JSON]) -> Bool {
        var owed: [String] = []
        for message in messages {
            guard let role = message["role"]?.string, ["system", "user", "assistant", "tool"].contains(role) else {
                return false
            }
            if role == "tool" {
                guard let id = message["tool_call_id"]?.string, let place = owed.firstIndex(of: id) else {
                    return false
                }
                owed.remove(at: place)
                continue
            }
            guard owed.isEmpty else { return false }
            owed = (message["tool_calls"]?.array ?? []).compactMap { $0["id"]?.string }
        }
        return owed.isEmpty && !messages.isEmpty
    }

    // MARK: Shapes

    /// A call.
    static func function(id: String, name: String, arguments: String) -> JSON {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }

    /// What a call came to.
    static func result(id: String, text: String) -> JSON {
        ["role": "tool", "tool_call_id": .string(id), "content": .string(text)]
    }

    /// - Parameter bytes: that a model is told of a text.
    static func cut(_ text: String, to bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        // Whole characters: a code point has at most four bytes, and a cut in the middle of one would be no text.
        let head = String(decoding: text.utf8.prefix(max(0, bytes - 3)), as: UTF8.self)
        return head.trimmingReplacement
            + "\n[Cut: the whole has \(text.utf8.count) bytes. Ask for less, or for a certain part.]"
    }
}

extension String {
    /// Without the replacement characters at the end that a cut inside a code point leaves.
    fileprivate var trimmingReplacement: Substring {
        var text = self[...]
        while text.last == "\u{FFFD}" { text.removeLast() }
        return text
    }
}
