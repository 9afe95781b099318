/// Chooses the agent a new thread is bound to (`seed-contracts.md` 0.4).
struct AgentRouter: Sendable {
    let registry: Registry
    /// `CHATKIT_DEFAULT_AGENT`; nil when unset.
    var configuredDefault: String?

    /// What a request says about the agent it wants.
    struct Wish: Sendable {
        /// The request's `metadata`.
        var metadata = JSONObject()
        /// The values of all `X-ChatKit-Agent` headers.
        var headers: [String] = []
        /// Of the caller's session. One that names no agent, in any letter case, is no error.
        var persona: String?
        /// The agent of the route.
        var routeDefault: String
        /// Whether `CHATKIT_DEFAULT_AGENT` goes before the route's agent.
        var heedsConfiguredDefault = true
    }

    /// Why there is no agent.
    struct Failure: Error, Hashable {
        enum Code: String, Sendable, CaseIterable {
            case invalidRequest = "invalid_request"
            /// The request names an agent that is not there.
            case unknownAgent = "unknown_agent"
            /// The server's own default is not there: the operator's fault, not the client's.
            case agentUnavailable = "agent_unavailable"
        }
        var code: Code
        /// A sentence for people that says what to mend.
        var sentence: String
    }

    /// The id of a loaded agent. May be called from any thread.
    func choose(_ wish: Wish) throws(Failure) -> String {
        if let named = try explicit(wish) {
            guard registry.agent(named) != nil else { throw unknown(named) }
            return named
        }
        if let persona = wish.persona?.lowercased(),
            let agent = registry.agents.first(where: { $0.descriptor.id.lowercased() == persona })
        {
            return agent.descriptor.id
        }
        let fallback = (wish.heedsConfiguredDefault ? configuredDefault : nil) ?? wish.routeDefault
        guard registry.agent(fallback) != nil else { throw unavailable(fallback) }
        return fallback
    }

    private func explicit(_ wish: Wish) throws(Failure) -> String? {
        if let value = wish.metadata["agent"] {
            guard let named = value.string else {
                throw Failure(
                    code: .invalidRequest, sentence: "metadata.agent must be a string: the id of an agent.")
            }
            return named
        }
        if wish.headers.count > 1 {
            throw Failure(code: .invalidRequest, sentence: "X-ChatKit-Agent is given more than once; send it once.")
        }
        return wish.headers.first
    }

    private func unknown(_ name: String) -> Failure {
        // What came from the client is cut: it may be as long as a request.
        Failure(
            code: .unknownAgent,
            sentence: "There is no agent \"\(name.prefix(64))\". \(loaded)")
    }

    private func unavailable(_ name: String) -> Failure {
        Failure(
            code: .agentUnavailable,
            sentence: "The default agent \"\(name)\" is not loaded; name another one in metadata.agent. \(loaded)")
    }

    private var loaded: String {
        let ids = registry.agents.map(\.descriptor.id)
        return ids.isEmpty ? "No agent is loaded." : "Loaded: \(ids.joined(separator: ", "))."
    }
}
