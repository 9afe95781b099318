import AgentPluginKit
import Testing

// README
struct Dice: AgentPlugin {
    static let id = "dev.example.dice"
    static let version = "1.0.0"
    init(host: Host, configuration: JSON) {}

    struct Roll: Decodable { var sides: Int }

    var tools: [Tool] {
        [
            Tool("roll") { (roll: Roll, call) in
                guard roll.sides > 0 else { throw ToolError("A die has at least one side.") }
                return ["rolled": .int(Int.random(in: 1...roll.sides))]
            }
        ]
    }
}
