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
        writer.object { $0.member("status", probe.rawValue) }
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

extension Router {
    /// Adds the probes under the names that people look for.
    mutating func addProbes(store: any Store, isDraining: @escaping @Sendable () -> Bool = { false }) {
        let health = HealthEndpoint(probe: .health, store: store)
        add("GET", "/healthz", health)
        add("GET", "/health", health)
        add("GET", "/live", HealthEndpoint(probe: .live, store: store))
        add("GET", "/ready", HealthEndpoint(probe: .ready, store: store, isDraining: isDraining))
    }
}
