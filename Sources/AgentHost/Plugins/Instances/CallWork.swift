internal import PluginABI

/// A call of a tool.
final class CallWork: OpenWork {
    let scope: WorkScope
    var kind: WorkKind { .call }
    private let name: String
    private let progress: @Sendable (JSON) -> Void
    private let completion: @Sendable (ToolOutcome) -> Void
    private let gate = DeliveryGate()

    init(
        _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) {
        scope = WorkScope(
            owner: request.caller.owner, threadID: request.caller.threadID, requestID: request.caller.requestID,
            agentID: request.caller.agentID, locale: request.caller.locale, deadline: request.deadline,
            meter: request.caller.meter)
        name = request.tool.name
        self.progress = progress
        self.completion = completion
    }

    func received(_ event: PluginEvent) -> Int {
        guard case .callProgress(_, let bytes) = event else { return 0 }
        if let json = try? JSON.parse(bytes, maximumDepth: 64) { gate.deliver { progress(json) } }
        return bytes.count
    }

    func finished(_ status: Int32, _ result: [UInt8]) {
        gate.close()
        completion(outcome(status, result))
    }

    private func outcome(_ status: Int32, _ result: [UInt8]) -> ToolOutcome {
        guard result.count <= PluginInstance.resultLimit else {
            return .broken(.failed("tool \(name) answered more than \(PluginInstance.resultLimit) bytes"))
        }
        if status == AP_E_FAILED { return .failure(String(decoding: result, as: UTF8.self)) }
        if status < 0 {
            return .broken(ProviderFailure(status: status, message: String(decoding: result, as: UTF8.self)))
        }
        guard let json = try? JSON.parse(result, maximumDepth: 64) else {
            return .broken(.failed("tool \(name) answered text that is not JSON"))
        }
        return .success(json)
    }

    func end(_ failure: ProviderFailure) {
        gate.close()
        completion(.broken(failure))
    }
}

extension PluginInstance: ToolProvider {
    func call(
        _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        let isBlocking = manifest.tools.contains { $0.name == request.tool.name && $0.mode == .blocking }
        var request = request
        let own = ownDeadline(before: request.deadline)
        if let own { request.deadline = own }
        let work = CallWork(request, progress: progress, completion: completion)
        return open(work, isLimited: own != nil) { token in
            .beginCall(token: token, isBlocking: isBlocking, subject: subject(of: request.caller.owner), request)
        }
    }
}
