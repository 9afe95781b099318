internal import AgentPluginKit

/// What a step gets to know: the user's last message, what the tools answered to it, and what was said before.
struct Conversation: Sendable {
    /// How a call went.
    enum Outcome: Sendable, Hashable {
        case success(JSON)
        /// A text for people.
        case failure(String)
    }

    /// The user's last message.
    let message: String
    /// Outcomes of the calls made for it, in the order of the calls.
    let outcomes: [Outcome]
    private let earlier: ArraySlice<ModelRequest.Message>

    init(_ messages: [ModelRequest.Message]) {
        let last = messages.lastIndex { $0.role == .user }
        message = last.map { messages[$0].text } ?? ""
        earlier = last.map { messages[..<$0] } ?? []
        let later = last.map { messages[($0 + 1)...] } ?? []
        outcomes = later.flatMap(\.toolCalls).map { call in
            let answer = later.first { $0.role == .tool && $0.toolCallID == call.id }
            return answer.map { Conversation.outcome($0.text) } ?? .failure("it gave no answer")
        }
    }

    private static func outcome(_ text: String) -> Outcome {
        if let json = try? JSON.parse(text), json.object != nil, json["error"] == nil, json["success"]?.bool != false {
            return .success(json)
        }
        let error = (try? JSON.parse(text)).flatMap { $0["error"]?.string ?? $0["error"]?["message"]?.string } ?? text
        return .failure(error.hasPrefix("Error: ") ? String(error.dropFirst(7)) : error)
    }

    /// What the user wants, with the answer to a question of ours put into its place.
    func intents() -> [Intent] {
        let intents = Clauses.read(message)
        guard !intents.contains(where: \.isCommand), let question = Question.asked(in: lastReply) else {
            return intents.isEmpty ? [.greeting] : intents
        }
        switch (question, intents.first) {
        case (.add(let title), .yes): return [.add(title: title, description: nil)]
        case (.deleteAll(let filter), .yes): return [.deleteAll(filter)]
        case (_, .no), (_, .refrain): return [.refrain]
        case (.title, .unclear): return [.add(title: answer, description: nil)]
        case (.change(let id), .unclear): return [.rename(.id(id), title: answer)]
        case (.which(let verb), .unclear): return chosen(verb)
        default: return intents
        }
    }

    /// The message as a title.
    private var answer: String { Title.text(Word.split(message)[...], isQuestion: false) }

    /// The last thing that was said to the user.
    private var lastReply: String { earlier.last { $0.role == .assistant && !$0.text.isEmpty }?.text ?? "" }

    /// The wish that we asked about, now with the task that the user chose.
    private func chosen(_ verb: Question.Verb) -> [Intent] {
        let words = Sentence.withoutPoliteness(Word.split(message)[...])
        let asked = earlier.last { $0.role == .user }.map { Clauses.read($0.text) } ?? []
        let wish = asked.first { verb.asks($0) } ?? verb.plainIntent
        let candidates = Mentions.ids(in: lastReply)
        return TaskReference.read(words).map { reference in
            switch reference {
            case .position(let position):
                let index = position > 0 ? position - 1 : candidates.count + position
                return candidates.indices.contains(index) ? wish.with(.id(candidates[index])) : wish.with(.unnamed)
            // "All of them" would mean the whole list: ask again.
            case .every: return wish.with(.unnamed)
            default: return wish.with(reference)
            }
        }
    }

    /// The task that was mentioned last before this message.
    var mentionedTask: Int? {
        for message in earlier.reversed() where message.role == .assistant || message.role == .user {
            if let id = Mentions.ids(in: message.text).last { return id }
        }
        return nil
    }
}

/// Tasks that a text speaks of.
enum Mentions {
    /// The numbers behind "task", in order; of a table, its only row.
    static func ids(in text: String) -> [Int] {
        let words = Word.split(text, limit: 3000)
        let ids = zip(words, words.dropFirst()).compactMap { word, next in
            word.key.hasSuffix("task") && word.quotation == nil ? next.number : nil
        }
        if !ids.isEmpty { return ids }
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.compactMap { row in
            Int(String(row.dropFirst(2).prefix { $0.isNumber }))
        }
        return rows.count == 1 ? rows : []
    }
}
