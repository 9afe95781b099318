/// Speech that a coded agent turns into text: a turn of its own kind, answered like a call (abi.md A13).
final class TranscriptionWork: OpenWork {
    let scope: WorkScope
    var kind: WorkKind { .turn }
    private let completion: @Sendable (Result<JSON, ProviderFailure>) -> Void

    init(_ request: AgentTurnRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void) {
        scope = WorkScope(
            owner: request.owner, requestID: request.requestID, agentID: request.agentID, locale: request.locale,
            deadline: request.deadline, meter: request.meter)
        self.completion = completion
    }

    /// Nobody is told how far it is.
    func received(_ event: PluginEvent) -> Int { event.payloadSize }

    func finished(_ status: Int32, _ result: [UInt8]) {
        if status < 0 {
            return end(ProviderFailure(status: status, message: String(decoding: result, as: UTF8.self)))
        }
        guard let json = try? JSON.parse(result, maximumDepth: 64) else {
            return end(.failed("The agent answered text that is not JSON."))
        }
        completion(.success(json))
    }

    func end(_ failure: ProviderFailure) { completion(.failure(failure)) }
}

extension PluginInstance {
    func transcribe(
        _ request: AgentTurnRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
    ) -> any Cancellable {
        let isBlocking = manifest.agents.contains { $0.id == request.agentID && $0.mode == .blocking }
        var request = request
        let own = ownDeadline(before: request.deadline)
        if let own { request.deadline = own }
        return open(TranscriptionWork(request, completion: completion), isLimited: own != nil) { token in
            .beginTurn(token: token, isBlocking: isBlocking, subject: subject(of: request.owner), request)
        }
    }
}
