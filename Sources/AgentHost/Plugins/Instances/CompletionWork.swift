/// A completion that a model of a plugin makes.
final class CompletionWork: OpenWork {
    let scope: WorkScope
    var kind: WorkKind { .completion }
    private let model: String
    private let delta: @Sendable (ModelDelta) -> Void
    private let completion: @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    private let gate = DeliveryGate()

    init(
        _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) {
        scope = WorkScope(deadline: request.deadline, meter: request.meter)
        model = request.model
        self.delta = delta
        self.completion = completion
    }

    /// Deltas that are none are left out: what a model says is not worth failing a turn for.
    func received(_ event: PluginEvent) -> Int {
        guard case .callProgress(_, let bytes) = event else { return 0 }
        if let json = try? JSON.parse(bytes, maximumDepth: 64), let said = ModelDelta(json) {
            gate.deliver { delta(said) }
        }
        return bytes.count
    }

    func finished(_ status: Int32, _ result: [UInt8]) {
        gate.close()
        completion(outcome(status, result))
    }

    private func outcome(_ status: Int32, _ result: [UInt8]) -> Result<ModelEnd, ProviderFailure> {
        if status < 0 {
            return .failure(ProviderFailure(status: status, message: String(decoding: result, as: UTF8.self)))
        }
        guard let json = try? JSON.parse(result, maximumDepth: 64), let end = ModelEnd(json) else {
            return .failure(.failed("model \(model) ended without a finish_reason"))
        }
        return .success(end)
    }

    func end(_ failure: ProviderFailure) {
        gate.close()
        completion(.failure(failure))
    }
}

extension ModelDelta {
    /// Reads `{"text"}`, `{"reasoning"}` or `{"tool_call": {index, id?, name?, arguments?}}` (`model.h`).
    fileprivate init?(_ json: JSON) {
        if let text = json["text"]?.string {
            self = .text(text)
        } else if let reasoning = json["reasoning"]?.string {
            self = .reasoning(reasoning)
        } else if let call = json["tool_call"], let index = call["index"]?.int, (0..<1_024).contains(index) {
            self = .toolCall(
                index: Int(index), id: call["id"]?.string, name: call["name"]?.string,
                arguments: call["arguments"]?.string ?? "")
        } else {
            return nil
        }
    }
}

extension ModelEnd {
    fileprivate init?(_ json: JSON) {
        guard let reason = json["finish_reason"]?.string else { return nil }
        self.init(
            finishReason: reason, promptTokens: json["usage"]?["prompt_tokens"]?.int,
            completionTokens: json["usage"]?["completion_tokens"]?.int)
    }
}

extension PluginInstance: ModelProvider {
    func complete(
        _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) -> any Cancellable {
        let isBlocking = manifest.models.contains { $0.id == request.model && $0.mode == .blocking }
        var request = request
        let own = ownDeadline(before: request.deadline)
        if let own { request.deadline = own }
        let work = CompletionWork(request, delta: delta, completion: completion)
        return open(work, isLimited: own != nil) { token in
            .beginCompletion(token: token, isBlocking: isBlocking, request)
        }
    }
}
