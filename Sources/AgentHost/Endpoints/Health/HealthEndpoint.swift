/// The probes (`seed-contracts.md` 1.9).
struct HealthEndpoint: Endpoint {
    /// What is asked.
    enum Probe: String, Sendable {
        /// Whether requests would be served: the store can be written.
        case health = "ok"
        /// Whether the process runs.
        case live
        /// Whether more requests should be sent here: healthy and not about to stop.
        case ready
    }
    let probe: Probe
    let store: any Store
    /// Whether the server is about to stop.
    var isDraining: @Sendable () -> Bool = { false }
    /// How the plugins are; nil where it is not told.
    var plugins: (@Sendable () async -> [PluginHealth])?

    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        if probe == .ready, isDraining() { return unavailable(.shuttingDown, "The server is stopping.") }
        if probe != .live {
            do {
                try await store.check()
            } catch {
                return unavailable(.storageError, "The store cannot be written.")
            }
        }
        var writer = JSONWriter()
        let health = await plugins?()
        writer.object { writer in
            writer.member("status", probe.rawValue)
            guard let health else { return }
            writer.key("plugins")
            writer.array { writer in
                for plugin in health { writer.plugin(plugin) }
            }
        }
        return .json(writer.bytes)
    }

    private func unavailable(_ code: ErrorCode, _ sentence: String) -> Answer {
        var writer = JSONWriter()
        writer.object {
            $0.member("status", "unavailable")
            $0.member("error", sentence)
            $0.member("code", code.rawValue)
        }
        return .json(writer.bytes, status: code.status)
    }
}

extension JSONWriter {
    /// One plugin as `/health` shows it. A plugin that does not serve leaves the server healthy: the others do.
    fileprivate mutating func plugin(_ plugin: PluginHealth) {
        object {
            $0.member("id", plugin.id)
            $0.member("version", plugin.version)
            $0.member("mode", plugin.mode.rawValue)
            $0.member("state", plugin.state.rawValue)
            $0.member("since", plugin.since.iso8601)
            $0.member("reason", ifSet: plugin.reason)
            $0.member("until", ifSet: plugin.until?.iso8601)
        }
    }
}

extension Router {
    /// Adds the probes under the names that people look for.
    mutating func addProbes(
        store: any Store, isDraining: @escaping @Sendable () -> Bool = { false },
        plugins: (@Sendable () async -> [PluginHealth])? = nil
    ) {
        add("GET", "/healthz", HealthEndpoint(probe: .health, store: store))
        add("GET", "/health", HealthEndpoint(probe: .health, store: store, plugins: plugins))
        add("GET", "/live", HealthEndpoint(probe: .live, store: store))
        add("GET", "/ready", HealthEndpoint(probe: .ready, store: store, isDraining: isDraining))
    }
}
