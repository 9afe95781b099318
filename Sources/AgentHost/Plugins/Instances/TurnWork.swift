/// A turn that a coded agent answers.
final class TurnWork: OpenWork {
    let scope: WorkScope
    var kind: WorkKind { .turn }
    private let output: any AgentOutput
    private let gate = DeliveryGate()

    init(_ request: AgentTurnRequest, _ output: any AgentOutput) {
        scope = WorkScope(
            owner: request.owner, threadID: request.threadID,
            requestID: request.requestID, agentID: request.agentID,
            locale: request.locale, deadline: request.deadline, meter: request.meter)
        self.output = output
    }

    /// Credit comes from the reader of the turn, through `AgentTurn.consumed`.
    func received(_ event: PluginEvent) -> Int {
        gate.deliver {
            switch event {
            case .turnText(_, let item, let deltas): output.text(item: item, deltas)
            case .turnEmit(_, let item, let kind, let json): output.emit(item: item, kind: kind, json: json)
            case .turnItemDone(_, let item): output.itemDone(item)
            default: break
            }
        }
        return 0
    }

    func finished(_ status: Int32, _ result: [UInt8]) {
        gate.close()
        let message = String(decoding: result, as: UTF8.self)
        switch ProviderFailure(status: status, message: message) {
        case _ where status >= 0: output.finish(.success(()))
        // The words say what is not permitted: people, and the author, get to read them.
        case .denied where !message.isEmpty, .unsupported where !message.isEmpty:
            output.finish(.failure(.failed(message)))
        case let failure: output.finish(.failure(failure))
        }
    }

    func end(_ failure: ProviderFailure) {
        gate.close()
        output.finish(.failure(failure))
    }
}

extension PluginInstance: AgentProvider {
    func begin(_ request: AgentTurnRequest, output: any AgentOutput) -> any AgentTurn {
        let isBlocking = manifest.agents.contains { $0.id == request.agentID && $0.mode == .blocking }
        var request = request
        let own = ownDeadline(before: request.deadline)
        if let own { request.deadline = own }
        return open(TurnWork(request, output), isLimited: own != nil) { token in
            .beginTurn(token: token, isBlocking: isBlocking, subject: subject(of: request.owner), request)
        }
    }
}
