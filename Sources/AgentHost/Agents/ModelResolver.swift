/// Finds the model that answers for an agent (abi.md A3).
struct ModelResolver: Sendable {
    typealias Choice = ModelChoice

    enum Failure: Error, Hashable {
        /// "default", but no LLM is configured and the agent has no offline model.
        case noModelConfigured(agent: String)
        /// The agent names a model that is not loaded.
        case modelNotLoaded(agent: String, model: String)

        var sentence: String {
            switch self {
            case .noModelConfigured(let agent):
                "No model is configured for agent \"\(agent)\"; configure an LLM provider or give the agent an offline_model."
            case .modelNotLoaded(let agent, let model):
                "Agent \"\(agent)\" needs model \"\(model)\", which is not loaded; load the plugin that provides it."
            }
        }
    }

    let registry: any ModelDirectory
    /// What "default" means when an LLM is configured: for an agent, and for what the person has chosen. Nil: the offline model.
    var configured: @Sendable (_ agent: String, _ requested: String?) -> Choice? = { _, _ in nil }

    /// - Parameters:
    ///   - plugin: id of the agent's plugin: models are looked up there.
    ///   - requested: the model that the person has chosen, if any.
    func resolve(
        _ agent: DeclarativeAgent, id: String, plugin: String, requested: String? = nil
    ) throws(Failure) -> Choice {
        if agent.model == "default" {
            if let configured = configured(id, requested) { return configured }
            guard let offline = agent.offlineModel else { throw .noModelConfigured(agent: id) }
            return try choice(offline, agent: id, plugin: plugin)
        }
        return try choice(agent.model, agent: id, plugin: plugin)
    }

    private func choice(_ model: String, agent: String, plugin: String) throws(Failure) -> Choice {
        guard let found = registry.model(plugin: plugin, id: model) else {
            throw .modelNotLoaded(agent: agent, model: model)
        }
        return Choice(provider: found.provider, model: found.id)
    }
}
