import AgentPluginKit

// The example plugin in Swift. What it does is the same in all four languages:
//
//   add 2 3     calls its own tool and says what it answered
//   count       counts to 100, one number each 50 ms; press stop
//   widget      shows a widget whose button counts
//   where       asks the page where it is (a client tool), and says it
//   fail        ends the turn with an error that people read
//   throw       an error is thrown: the turn fails, the log has it, everything else goes on
//   trap        a bug: Swift ends the process. In a worker only this plugin's turns notice
//   (else)      says it again, word by word
struct Hello: AgentPlugin {
    static let id = "dev.agenthost.example.hello-swift"
    static let version = "1.0.0"
    init(host: Host, configuration: JSON) {}

    struct Terms: Decodable { var a: Double, b: Double }
    struct Sum: Decodable { var sum: Double }
    struct Bug: Error {}

    var tools: [Tool] {
        [Tool("add") { (terms: Terms, call) in ["sum": .double(terms.a + terms.b)] }]
    }

    var agents: [Agent] { [Agent("HelloSwift") { turn in try await answer(turn) }] }

    private func answer(_ turn: Turn) async throws {
        if let action = turn.action { return try await pressed(action, turn) }
        if let output = turn.clientToolOutput {
            return try await turn.text("You are in \(output["city"]?.string ?? "a place I do not know").")
        }
        let text = turn.message ?? ""
        switch text.split(separator: " ").first {
        case "add": try await add(text, turn)
        case "count": try await count(turn)
        case "widget": try await turn.widget(card(pressed: 0), item: 1)
        case "where": try await turn.callClient("get_location")
        case "fail": throw ToolError("This went wrong, as you wished.")
        case "throw": throw Bug()
        case "trap": fatalError("This is the end, as you wished")
        default: try await sayAgain(text, turn)
        }
    }

    private func add(_ text: String, _ turn: Turn) async throws {
        let numbers = text.split(separator: " ").dropFirst().compactMap { Double($0) }
        guard numbers.count == 2 else { throw ToolError("Say for example: add 2 3") }
        let result = try await turn.host.callTool("add", ["a": .double(numbers[0]), "b": .double(numbers[1])])
        let answer: Sum = try result.decode()
        let isWhole = answer.sum == answer.sum.rounded() && abs(answer.sum) < 1e15
        try await turn.text("The sum is \(isWhole ? "\(Int(answer.sum))" : "\(answer.sum)").")
    }

    /// Pressing stop cancels the task: `sleep` and `text` throw `CancellationError`.
    private func count(_ turn: Turn) async throws {
        for number in 1...100 {
            try await turn.text("\(number) ")
            try await turn.host.sleep(milliseconds: 50)
        }
    }

    private func card(pressed count: Int) -> JSON {
        [
            "type": "Card",
            "children": [
                ["type": "Text", "id": "count", "value": .string("Pressed \(count) times")],
                [
                    "type": "Button", "label": "Press",
                    "onClickAction": ["type": "press", "payload": ["count": .int(count + 1)]],
                ],
            ],
        ]
    }

    /// The button was pressed: another tree for the same item.
    private func pressed(_ action: Turn.Action, _ turn: Turn) async throws {
        try await turn.replace(
            id: action.itemID,
            with: [
                "type": "widget", "created_at": action.item?["created_at"] ?? .null,
                "widget": card(pressed: action.payload["count"]?.int ?? 0),
            ])
    }

    private func sayAgain(_ text: String, _ turn: Turn) async throws {
        try await turn.text("You said:")
        for word in text.split(separator: " ") { try await turn.text(" \(word)") }
    }
}
