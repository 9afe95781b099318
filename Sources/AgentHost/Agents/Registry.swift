private import Synchronization

/// What is loaded at the moment: agents, tools and models, with who provides them. Plugins register and withdraw; turns look up.
///
/// May be called from any thread. A look-up answers a snapshot: what it holds stays usable for the turn that took it.
final class Registry: ToolDirectory, Sendable {
    struct Agent: Sendable {
        var descriptor: AgentDescriptor
        /// Nil for declarative agents.
        var provider: (any AgentProvider)?
    }
    typealias Tool = LoadedTool
    struct Model: Sendable {
        var plugin: String
        var id: String
        var provider: any ModelProvider
    }

    private struct State {
        var agents: [String: Agent] = [:]
        /// By exposed name.
        var tools: [String: Tool] = [:]
        var models: [Model] = []

        mutating func remove(_ plugin: String) {
            agents = agents.filter { $0.value.descriptor.plugin != plugin }
            tools = tools.filter { $0.value.descriptor.plugin != plugin }
            models.removeAll { $0.plugin == plugin }
        }
    }
    private let state = Mutex(State())

    init() {}

    /// Adds what a plugin provides; replaces what the same plugin had registered before. All or nothing.
    ///
    /// - Returns: a sentence that says what collides (agent ids are unique per host), or nil.
    func register(plugin: String, agents: [Agent], tools: [Tool], models: [Model]) -> String? {
        state.withLock { state in
            for agent in agents {
                if let other = state.agents[agent.descriptor.id], other.descriptor.plugin != plugin {
                    return
                        "agent id \"\(agent.descriptor.id)\" is already taken by plugin \"\(other.descriptor.plugin)\""
                }
            }
            state.remove(plugin)
            for agent in agents { state.agents[agent.descriptor.id] = agent }
            for tool in tools { state.tools[tool.descriptor.exposedName] = tool }
            state.models += models
            return nil
        }
    }

    /// Removes everything of a plugin.
    func withdraw(plugin: String) { state.withLock { $0.remove(plugin) } }

    func agent(_ id: String) -> Agent? { state.withLock { $0.agents[id] } }
    /// By exposed name.
    func tool(_ exposedName: String) -> Tool? { state.withLock { $0.tools[exposedName] } }
    func tool(plugin: String, name: String) -> Tool? {
        state.withLock { state in
            state.tools.values.first { $0.descriptor.plugin == plugin && $0.descriptor.name == name }
        }
    }
    func model(plugin: String, id: String) -> Model? {
        state.withLock { $0.models.first { $0.plugin == plugin && $0.id == id } }
    }
    /// Sorted by id.
    var agents: [Agent] { state.withLock { $0.agents.values.sorted { $0.descriptor.id < $1.descriptor.id } } }
    /// Sorted by exposed name.
    var tools: [Tool] {
        state.withLock { $0.tools.values.sorted { $0.descriptor.exposedName < $1.descriptor.exposedName } }
    }
    /// The name a tool would get if it were registered now (abi.md A7).
    func exposedName(plugin: String, shortName: String, tool: String) -> String {
        state.withLock { state in
            guard let other = state.tools[tool], other.descriptor.plugin != plugin else { return tool }
            return "\(shortName)__\(tool)"
        }
    }
}

extension Registry {
    /// The tools a declarative agent may use: `grants` are bare names of its own plugin or patterns `plugin-id/tool`.
    func tools(grantedTo grants: [String], of plugin: String) -> [Tool] {
        tools.filter { tool in
            grants.contains { grant in
                let pattern = grant.contains("/") ? grant : "\(plugin)/\(grant)"
                return wildcardMatch(pattern: pattern, "\(tool.descriptor.plugin)/\(tool.descriptor.name)")
            }
        }
    }
}
