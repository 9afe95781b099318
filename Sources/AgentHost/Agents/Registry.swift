private import Synchronization

/// What is loaded at the moment: agents, tools and models, with who provides them, by plugin and generation. Plugins register and withdraw;
/// turns look up through a `Lineup`, which keeps to one generation of each plugin.
///
/// May be called from any thread.
final class Registry: ToolDirectory, ModelDirectory, Sendable {
    struct Agent: Sendable {
        var descriptor: AgentDescriptor
        /// Nil for declarative agents.
        var provider: (any AgentProvider)?
        /// Of declarative agents that have hooks.
        var hooks: (any HookProvider)?
    }
    typealias Tool = LoadedTool
    struct Model: Sendable {
        var plugin: String
        var id: String
        var provider: any ModelProvider
    }

    /// A generation that is tried out.
    struct Canary: Sendable {
        var generation: Generation
        /// Threads of a hundred that it answers, 0 to 100.
        var percent: Int
    }

    /// One plugin's generations that get turns.
    private struct Line {
        var serving: Generation
        var canary: Canary?
        /// By thread id.
        var pinned: [String: Generation] = [:]

        /// Which generation answers in a thread. A thread stays with the canary while its share grows.
        func generation(for thread: String) -> Generation {
            if let pinned = pinned[thread] { return pinned }
            guard let canary, !thread.isEmpty else { return serving }
            return Registry.share(of: thread) < canary.percent ? canary.generation : serving
        }
    }

    private struct State {
        var lines: [String: Line] = [:]
        /// Plugin by id of the agents that serve.
        var agents: [String: String] = [:]
        /// Plugin by exposed name of the tools that serve.
        var tools: [String: String] = [:]

        mutating func remove(_ plugin: String) {
            lines[plugin] = nil
            agents = agents.filter { $0.value != plugin }
            tools = tools.filter { $0.value != plugin }
        }

        /// What a lineup works with, and holds from now on.
        func settle(_ plugin: String, _ lineup: Lineup, if fits: (Generation) -> Bool) -> Generation? {
            lineup.held.withLock { held in
                if let generation = held[plugin] { return fits(generation) ? generation : nil }
                guard let line = lines[plugin] else { return nil }
                let chosen = line.generation(for: lineup.threadID)
                // An agent or tool that only the serving generation has is still there for everybody.
                guard let generation = [chosen, line.serving].first(where: fits) else { return nil }
                generation.hold()
                held[plugin] = generation
                return generation
            }
        }
    }
    private let state = Mutex(State())

    init() {}

    // MARK: Plugins

    /// Lets a generation answer all new turns of its plugin, but those of pinned threads and of the canary's share. All or nothing.
    ///
    /// - Returns: a sentence that says what collides (agent ids and exposed names of tools are unique per host), or nil.
    func serve(_ generation: Generation) -> String? {
        state.withLock { state in
            let plugin = generation.plugin
            for id in generation.agents.keys.sorted() {
                guard let other = state.agents[id], other != plugin else { continue }
                return "agent id \"\(id)\" is already taken by plugin \"\(other)\""
            }
            for name in generation.tools.keys.sorted() {
                guard let other = state.tools[name], other != plugin else { continue }
                return "a tool of it would be called \"\(name)\", which is taken by plugin \"\(other)\"; "
                    + "change the manifest's name"
            }
            var line = state.lines[plugin] ?? Line(serving: generation)
            line.serving = generation
            if line.canary?.generation === generation { line.canary = nil }
            state.remove(plugin)
            state.lines[plugin] = line
            for id in generation.agents.keys { state.agents[id] = plugin }
            for name in generation.tools.keys { state.tools[name] = plugin }
            return nil
        }
    }

    /// Gives a generation a share of the threads of its plugin, or none: nil.
    func setCanary(_ canary: Canary?, of plugin: String) {
        state.withLock { $0.lines[plugin]?.canary = canary }
    }

    /// Replaces the threads of a plugin that always get one generation.
    func setPinned(_ pinned: [String: Generation], of plugin: String) {
        state.withLock { $0.lines[plugin]?.pinned = pinned }
    }

    /// Adds what a plugin provides; replaces what it had registered before.
    func register(plugin: String, agents: [Agent], tools: [Tool], models: [Model]) -> String? {
        serve(Generation(plugin: plugin, agents: agents, tools: tools, models: models))
    }

    /// Removes everything of a plugin.
    func withdraw(plugin: String) { state.withLock { $0.remove(plugin) } }

    /// The name a tool would get if it were registered now (abi.md A7).
    func exposedName(plugin: String, shortName: String, tool: String) -> String {
        state.withLock { state in
            guard let other = state.tools[tool], other != plugin else { return tool }
            return "\(shortName)__\(tool)"
        }
    }

    /// Where a thread stands among a hundred: the same in every host and run (FNV-1a).
    static func share(of thread: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in thread.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int((hash ^ hash >> 32) % 100)
    }

    // MARK: Look-ups of turns

    /// For a turn in that thread.
    func lineup(for threadID: String) -> Lineup { Lineup(registry: self, threadID: threadID) }

    func agent(_ id: String, for lineup: Lineup) -> Agent? {
        state.withLock { state in
            guard let plugin = state.agents[id] else { return nil }
            return state.settle(plugin, lineup) { $0.agents[id] != nil }?.agents[id]
        }
    }

    func tool(_ exposedName: String, for lineup: Lineup) -> Tool? {
        state.withLock { state in
            // What the turn has been offered stays, whatever the plugin offers by now.
            let own = lineup.held.withLock { held in held.values.lazy.compactMap { $0.tools[exposedName] }.first }
            if let own { return own }
            guard let plugin = state.tools[exposedName] else { return nil }
            return state.settle(plugin, lineup) { $0.tools[exposedName] != nil }?.tools[exposedName]
        }
    }

    func model(plugin: String, id: String, for lineup: Lineup) -> Model? {
        state.withLock { state in
            let generation = state.settle(plugin, lineup) { $0.models.contains { $0.id == id } }
            return generation?.models.first { $0.id == id }
        }
    }

    func tools(grantedTo grants: [String], of plugin: String, for lineup: Lineup) -> [Tool] {
        let patterns = grants.map { $0.contains("/") ? $0 : "\(plugin)/\($0)" }
        func isGranted(_ tool: Tool) -> Bool {
            let name = "\(tool.descriptor.plugin)/\(tool.descriptor.name)"
            return patterns.contains { wildcardMatch(pattern: $0, name) }
        }
        return state.withLock { state in
            let generations = state.lines.keys.compactMap { plugin in
                state.settle(plugin, lineup) { $0.tools.values.contains(where: isGranted) }
            }
            return generations.flatMap { $0.tools.values.filter(isGranted) }
                .sorted { $0.descriptor.exposedName < $1.descriptor.exposedName }
        }
    }

    // MARK: Look-ups outside of turns: what serves at the moment

    func agent(_ id: String) -> Agent? {
        state.withLock { state in state.agents[id].flatMap { state.lines[$0]?.serving.agents[id] } }
    }
    /// By exposed name.
    func tool(_ exposedName: String) -> Tool? {
        state.withLock { state in
            state.tools[exposedName].flatMap { state.lines[$0]?.serving.tools[exposedName] }
        }
    }
    func model(plugin: String, id: String) -> Model? {
        state.withLock { $0.lines[plugin]?.serving.models.first { $0.id == id } }
    }
    /// Sorted by id.
    var agents: [Agent] {
        state.withLock { $0.lines.values.flatMap { $0.serving.agents.values } }
            .sorted { $0.descriptor.id < $1.descriptor.id }
    }
    /// Sorted by exposed name.
    var tools: [Tool] {
        state.withLock { $0.lines.values.flatMap { $0.serving.tools.values } }
            .sorted { $0.descriptor.exposedName < $1.descriptor.exposedName }
    }
}

/// Where models are found.
protocol ModelDirectory: Sendable {
    func model(plugin: String, id: String) -> Registry.Model?
}
