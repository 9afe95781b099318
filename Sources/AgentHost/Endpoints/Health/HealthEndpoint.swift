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
    /// What protects the host from plugins in workers; nil where it is not told, or not known yet.
    var sandbox: (@Sendable () async -> SandboxReport?)?

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
        let report = await sandbox?()
        writer.object { writer in
            writer.member("status", probe.rawValue)
            if let report {
                writer.key("sandbox")
                writer.sandbox(report)
            }
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

extension JSONWriter {
    /// The sandbox as `/health` shows it. A host that runs with less than all of it is healthy: that is its operator's choice.
    fileprivate mutating func sandbox(_ report: SandboxReport) {
        object { writer in
            writer.member("state", report.state.rawValue)
            writer.member("policy", report.policy.rawValue)
            writer.member("landlock", Int64(report.landlock))
            writer.key("missing")
            writer.array { writer in
                for (part, reason) in report.missing {
                    writer.object {
                        $0.member("part", part.rawValue)
                        $0.member("reason", reason)
                    }
                }
            }
        }
    }
}

extension Router {
    /// Adds the probes under the names that people look for.
    mutating func addProbes(
        store: any Store, isDraining: @escaping @Sendable () -> Bool = { false },
        plugins: (@Sendable () async -> [PluginHealth])? = nil, sandbox: (@Sendable () async -> SandboxReport?)? = nil
    ) {
        add("GET", "/healthz", HealthEndpoint(probe: .health, store: store))
        add("GET", "/health", HealthEndpoint(probe: .health, store: store, plugins: plugins, sandbox: sandbox))
        add("GET", "/live", HealthEndpoint(probe: .live, store: store))
        add("GET", "/ready", HealthEndpoint(probe: .ready, store: store, isDraining: isDraining))
    }
}
