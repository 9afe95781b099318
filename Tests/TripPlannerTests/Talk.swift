import AgentPluginKit

@testable import TripPlanner

/// A conversation with the model, with the tool answered as the host does it.
struct Talk {
    private(set) var messages: [ModelRequest.Message] = []
    /// Arguments of the calls, oldest first.
    private(set) var calls: [JSON] = []
    /// The most user and assistant messages that the model gets to see, as with `CHATKIT_MAX_HISTORY`.
    var limit = 20

    /// - Returns: what the planner says.
    mutating func say(_ text: String) -> String {
        add(["role": "user", "content": .string(text)])
        for _ in 0..<4 {
            switch TripModel.step(window) {
            case .say(let reply):
                add(["role": "assistant", "content": .string(reply)])
                return reply
            case .lookUp(let arguments):
                calls.append(arguments)
                let call: JSON = [
                    "id": "call", "type": "function",
                    "function": ["name": "lookup_destination", "arguments": .string(arguments.text)],
                ]
                add(["role": "assistant", "content": nil, "tool_calls": [call]])
                add(["role": "tool", "tool_call_id": "call", "content": .string(result(arguments))])
            }
        }
        return "no end"
    }

    /// Says several things; the last answer.
    mutating func say(_ texts: [String]) -> String {
        var reply = ""
        for text in texts { reply = say(text) }
        return reply
    }

    private func result(_ arguments: JSON) -> String {
        do {
            return try Catalogue.lookUp(Preferences(arguments)).json.text
        } catch {
            return "Error: \(error)"
        }
    }

    private mutating func add(_ json: JSON) { messages.append(ModelRequest.Message(json)) }

    private var window: [ModelRequest.Message] {
        var count = 0
        let start = messages.lastIndex { message in
            if message.role == .user || (message.role == .assistant && message.toolCalls.isEmpty) { count += 1 }
            return count > limit
        }
        guard let start else { return messages }
        return Array(messages[(start + 1)...].drop { $0.role != .user })
    }
}

/// A plan, read back from its Markdown.
struct Plan {
    /// The cells behind the day's label.
    let days: [[String]]
    let labels: [String]

    init(_ markdown: String) {
        let rows = markdown.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map { row in
            row.split(separator: "|").map { String($0.dropFirst().dropLast()) }
        }
        labels = rows.map { $0.first ?? "" }
        days = rows.map { Array($0.dropFirst()) }
    }

    var mornings: [String] { days.map { $0[0] } }
    var afternoons: [String] { days.map { $0[1] } }
    var evenings: [String] { days.map { $0[2] } }
}
