/// A model behind HTTP: a chain of servers of which the first that answers answers.
struct ServerModel: ModelProvider {
    /// A server and the model that is asked for there.
    struct Step: Sendable, Hashable {
        var provider: ModelConfiguration.Provider
        var model: String
    }

    /// In the order in which they are asked; not empty.
    var steps: [Step]
    var configuration: ModelConfiguration
    var client: HTTPClient
    var log: Logger

    func complete(
        _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) -> any Cancellable {
        let run = CompletionRun(self, request, delta: delta, completion: completion)
        run.begin()
        return run
    }

    /// The request for one server.
    func upstreamRequest(_ request: ModelRequest, _ step: Step) -> UpstreamRequest {
        let provider = step.provider
        var fields: HTTPFields = [
            "Content-Type": "application/json", "Accept": "text/event-stream", "User-Agent": "agenthost",
        ]
        if let key = provider.key {
            switch provider.authentication {
            case .bearer: fields.append("Authorization", "Bearer " + key.text)
            case .apiKey: fields.append("api-key", key.text)
            }
        }
        var upstream = UpstreamRequest(url: provider.baseURL + provider.path + provider.query, fields: fields)
        upstream.body =
            switch provider.api {
            case .chat: CompletionBody.chat(request, model: step.model, countsTokens: provider.countsTokens)
            case .responses: CompletionBody.responses(request, model: step.model)
            }
        upstream.limits.connect = configuration.connectLimit
        upstream.limits.firstByte = configuration.firstByteLimit
        upstream.limits.idle = configuration.idleLimit
        upstream.limits.deadline = request.deadline
        return upstream
    }
}

extension ModelConfiguration.Provider {
    fileprivate var path: String {
        switch api {
        case .chat: "/chat/completions"
        case .responses: "/responses"
        }
    }

    /// A reader for an answer.
    var stream: any CompletionStream {
        switch api {
        case .chat: ChatStream()
        case .responses: ResponsesStream()
        }
    }
}
