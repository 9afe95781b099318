/// Tools that the host itself makes for a declarative agent: other agents it may ask, or hand the conversation over to. Rules of the operator
/// name them `agent/<id>` and `handoff/<id>`.
enum AgentTools {
    static let asking = "agent"
    static let handingOver = "handoff"

    /// Asks the agent and answers with what it says.
    static func ask(_ agent: AgentDescriptor) -> ToolDescriptor {
        ToolDescriptor(
            plugin: asking, name: agent.id, exposedName: ToolText.name("ask_" + agent.id), title: "Ask \(agent.title)",
            description: "Asks the agent \"\(agent.title)\" and answers with what it says. It knows nothing of this "
                + "conversation: write all it needs to know into the message. \(agent.summary)",
            inputSchema: [
                "type": "object",
                "properties": ["message": ["type": "string", "minLength": 1, "description": "What to ask."]],
                "required": ["message"], "additionalProperties": false,
            ], timeout: 600_000)
    }

    /// Ends this agent's part; the other one goes on.
    static func handOver(to agent: AgentDescriptor) -> ToolDescriptor {
        ToolDescriptor(
            plugin: handingOver, name: agent.id, exposedName: ToolText.name("transfer_to_" + agent.id),
            title: "Transfer to \(agent.title)",
            description:
                "Hands the conversation over to the agent \"\(agent.title)\", which reads it and answers from now "
                + "on. \(agent.summary)",
            inputSchema: [
                "type": "object",
                "properties": ["reason": ["type": "string", "description": "Why, for the other agent."]],
                "additionalProperties": false,
            ])
    }
}

/// The tools of a turn's plugins, and the agents it may ask.
struct TurnTools: ToolDirectory {
    let lineup: Lineup
    /// By exposed name.
    let agents: [String: LoadedTool]

    func tool(_ exposedName: String) -> LoadedTool? { agents[exposedName] ?? lineup.tool(exposedName) }
}
