private import Synchronization

/// What one generation of a plugin provides, and how many turns may still call it.
///
/// A new version of a plugin is a new generation beside the old one. A turn holds the generations it has begun with until it ends; one that
/// gets no new turns can go when nobody holds it. May be called from any thread.
final class Generation: Sendable {
    let plugin: String
    /// Counted for each plugin from 1, over restarts of the host; 0 for what the host itself provides.
    let number: Int
    /// By id.
    let agents: [String: Registry.Agent]
    /// By exposed name.
    let tools: [String: Registry.Tool]
    let models: [Registry.Model]

    private struct State {
        var holders = 0
        var onFree: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    init(
        plugin: String, number: Int = 0, agents: [Registry.Agent], tools: [Registry.Tool], models: [Registry.Model]
    ) {
        self.plugin = plugin
        self.number = number
        self.agents = Dictionary(agents.map { ($0.descriptor.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.tools = Dictionary(tools.map { ($0.descriptor.exposedName, $0) }, uniquingKeysWith: { first, _ in first })
        self.models = models
    }

    /// How many hold it.
    var holders: Int { state.withLock { $0.holders } }

    /// Takes part in keeping it; `letGo` gives that up.
    func hold() { state.withLock { $0.holders += 1 } }

    func letGo() {
        let actions = state.withLock { state -> [@Sendable () -> Void] in
            state.holders -= 1
            guard state.holders == 0 else { return [] }
            defer { state.onFree = [] }
            return state.onFree
        }
        for action in actions { action() }
    }

    /// Calls `action` once nobody holds it: at once, or on the thread of the last one who lets go. It must not block.
    func whenFree(_ action: @escaping @Sendable () -> Void) {
        let isFree = state.withLock { state in
            if state.holders > 0 { state.onFree.append(action) }
            return state.holders == 0
        }
        if isFree { action() }
    }
}
