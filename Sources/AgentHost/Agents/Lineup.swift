internal import Synchronization

/// The generations that one turn works with. The first look-up of a plugin settles which one that is, until the turn ends: a plugin that is
/// upgraded meanwhile answers this turn with its old code to the end.
///
/// The generations are held until the lineup is released. May be used from any thread.
final class Lineup: ToolDirectory, ModelDirectory, Sendable {
    private let registry: Registry
    /// Decides between a canary and what it may replace; empty outside a thread.
    let threadID: String
    let held: Mutex<[String: Generation]>

    /// - Parameter own: the generation that is settled from the beginning: the one a request comes from.
    init(registry: Registry, threadID: String, own: Generation? = nil) {
        self.registry = registry
        self.threadID = threadID
        own?.hold()
        held = Mutex(own.map { [$0.plugin: $0] } ?? [:])
    }

    deinit {
        for generation in held.withLock({ Array($0.values) }) { generation.letGo() }
    }

    func agent(_ id: String) -> Registry.Agent? { registry.agent(id, for: self) }
    func tool(_ exposedName: String) -> LoadedTool? { registry.tool(exposedName, for: self) }
    func model(plugin: String, id: String) -> Registry.Model? { registry.model(plugin: plugin, id: id, for: self) }

    /// The tools a declarative agent may use: `grants` are bare names of its own plugin or patterns `plugin-id/tool`. Sorted by exposed name.
    func tools(grantedTo grants: [String], of plugin: String) -> [Registry.Tool] {
        registry.tools(grantedTo: grants, of: plugin, for: self)
    }
}
