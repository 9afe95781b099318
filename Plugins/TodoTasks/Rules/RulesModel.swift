internal import AgentPluginKit

/// The model `todo-rules`: answers like a language model that was told to keep a todo list, without being one.
///
/// It keeps no state. Each step reads the last message of the user and works through its wishes from the start; results of
/// tools that are there already are taken in order, and where one is missing the step ends with that call.
enum RulesModel {
    /// What a step comes to.
    enum Step: Sendable, Hashable {
        case call([Call])
        case say(String)
    }

    /// A call of one of the five tools.
    struct Call: Sendable, Hashable {
        let tool: String
        let arguments: JSON
    }

    /// The most wishes of one message that are worked on: each may take a step.
    static let mostWishes = 10

    static func step(_ messages: [ModelRequest.Message]) -> Step {
        let conversation = Conversation(messages)
        let intents = conversation.intents()
        var work = Work(conversation: conversation)
        do throws(Work.Missing) {
            for intent in intents.prefix(mostWishes) { try work.perform(intent) }
        } catch {
            return .call(error.calls)
        }
        if intents.count > mostWishes {
            work.say("That was a lot at once: I did the first \(mostWishes) things, please say the others again.")
        }
        return .say(work.reply)
    }
}
