/// A provider and the id of one of its models.
struct ModelChoice: Sendable {
    var provider: any ModelProvider
    var model: String
}

/// The language models that the host was configured with, and which of them answers whom.
struct ModelCatalogue: Sendable {
    private let configuration: ModelConfiguration
    private let client: HTTPClient
    private let log: Logger

    /// Nil when none is configured.
    init?(_ configuration: ModelConfiguration, client: HTTPClient, log: Logger) {
        guard !configuration.providers.isEmpty else { return nil }
        self.configuration = configuration
        self.client = client
        self.log = log
    }

    /// The model that answers for an agent whose manifest says "default"; nil: its offline model.
    ///
    /// - Parameter requested: what the person has chosen; of no effect when it is not allowed or no name.
    func choice(agent: String, requested: String?) -> ModelChoice? {
        let configured = configuration.agents[agent]
        guard configured != "offline" else { return nil }
        if let requested, isAllowed(requested) { return choice(named: requested, otherwise: configured) }
        return choice(named: nil, otherwise: configured)
    }

    /// The model of completions that no agent asks for.
    var besideAgents: ModelChoice { choice(named: configuration.besideAgents, otherwise: nil) }

    private func isAllowed(_ name: String) -> Bool {
        if let choices = configuration.choices { return choices.contains(name) }
        let isName = name.utf8.allSatisfy { HTTPSyntax.isToken($0) || "/:@".utf8.contains($0) }
        return isName && (1...128).contains(name.utf8.count)
    }

    /// - Parameters:
    ///   - name: "provider/model", or a model of the provider that is asked anyway.
    ///   - configured: "provider" or "provider/model".
    private func choice(named name: String?, otherwise configured: String?) -> ModelChoice {
        var first = configured.flatMap(step)
        if let name {
            if let step = step(name), name.contains("/") {
                first = step
            } else {
                let provider = first?.provider ?? configuration.providers[0]
                first = .init(provider: provider, model: name)
            }
        }
        let chain = configuration.providers.prefix(configuration.chainLength).map {
            ServerModel.Step(provider: $0, model: $0.model)
        }
        let steps = (first.map { [$0] } ?? []) + chain.filter { $0.provider.name != first?.provider.name }
        let provider = ServerModel(steps: steps, configuration: configuration, client: client, log: log)
        return ModelChoice(provider: provider, model: steps[0].model)
    }

    /// Nil when the name begins with no provider.
    private func step(_ name: String) -> ServerModel.Step? {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        guard let provider = configuration.providers.first(where: { $0.name == parts.first }) else { return nil }
        return .init(provider: provider, model: parts.count > 1 ? parts[1] : provider.model)
    }
}
