public import AgentPluginKit

/// Todo lists: five tools over the key-value service, and a model made of rules that uses them without an LLM.
public struct TodoTasksPlugin: AgentPlugin {
    /// As in the manifest.
    public static let id = "dev.agenthost.todo-tasks"
    /// As in the manifest.
    public static let version = "1.0.0"

    private let host: Host

    /// There is nothing to configure.
    public init(host: Host, configuration: JSON) { self.host = host }

    /// The tools of the manifest.
    public var tools: [Tool] { TaskTools(list: TaskList(store: host.store(.user))).all }

    /// The rules model.
    public var models: [Model] {
        [
            Model("todo-rules") { request, output in
                switch RulesModel.step(request.messages) {
                case .call(let calls):
                    for (index, call) in calls.enumerated() {
                        let id = "call_\(request.messages.count)_\(index)"
                        let name = exposedName(of: call.tool, among: request.toolNames)
                        try await output.toolCall(index: index, id: id, name: name, arguments: call.arguments)
                    }
                    return .toolCalls
                case .say(let text):
                    for piece in pieces(of: text) { try await output.text(piece) }
                    return .stop
                }
            }
        ]
    }
}

/// The name under which a tool is offered: the host puts a prefix in front when two plugins have tools of the same name.
func exposedName(of tool: String, among names: [String]) -> String {
    names.contains(tool) ? tool : names.first { $0.hasSuffix("__\(tool)") } ?? tool
}

/// The text in pieces of a few words, as a language model would write it. Joined they are the text.
func pieces(of text: String) -> [String] {
    var pieces: [String] = []
    var piece = ""
    for character in text {
        piece.append(character)
        if character.isWhitespace && piece.utf8.count >= 12 {
            pieces.append(piece)
            piece = ""
        }
    }
    if !piece.isEmpty { pieces.append(piece) }
    return pieces
}
