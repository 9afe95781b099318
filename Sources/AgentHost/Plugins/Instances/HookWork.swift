/// A hook of a declarative agent.
private final class HookWork: OpenWork {
    let scope: WorkScope
    /// Counted with the calls: it is one, of the host.
    let kind = WorkKind.call
    private let point: HookPoint
    private let completion: @Sendable (Result<JSON, ProviderFailure>) -> Void

    init(_ request: HookRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void) {
        scope = WorkScope(
            owner: request.owner, threadID: request.threadID, requestID: request.requestID, agentID: request.agentID,
            locale: request.locale, deadline: request.deadline)
        point = request.point
        self.completion = completion
    }

    /// Nobody is told how far it is.
    func received(_ event: PluginEvent) -> Int { event.payloadSize }

    func finished(_ status: Int32, _ result: [UInt8]) { completion(outcome(status, result)) }

    private func outcome(_ status: Int32, _ result: [UInt8]) -> Result<JSON, ProviderFailure> {
        if status < 0 {
            return .failure(ProviderFailure(status: status, message: String(decoding: result, as: UTF8.self)))
        }
        if result.isEmpty { return .success(.null) }
        guard let json = try? JSON.parse(result, maximumDepth: 64), json.isNull || json.object != nil else {
            return .failure(.failed("hook \(point.rawValue) answered neither an object nor null"))
        }
        return .success(json)
    }

    func end(_ failure: ProviderFailure) { completion(.failure(failure)) }
}

extension PluginInstance: HookProvider {
    func hook(
        _ request: HookRequest, completion: @escaping @Sendable (Result<JSON, ProviderFailure>) -> Void
    ) -> any Cancellable {
        open(HookWork(request, completion: completion)) { token in
            .beginHook(token: token, subject: subject(of: request.owner), request)
        }
    }
}
