// Coded agents: what they emit becomes items and events. Whatever breaks the contract fails the turn.

extension Turn {
    /// The agent appends to one of its messages.
    mutating func agentText(item number: UInt32, _ deltas: ChatKit.TextDeltas, now: Moment) {
        emission(of: deltas.bytes.count, now) { turn in
            guard !deltas.isEmpty else { return }
            guard let message = turn.agentItem(number, as: .message, now, begin: { .message }) else { return }
            turn.transcript.text(deltas, to: message)
            turn.planCheckpoint(now)
        }
    }

    /// The agent emits something with structure.
    mutating func agentEmitted(item number: UInt32, kind: String, json: [UInt8], now: Moment) {
        emission(of: json.count, now) { turn in
            guard json.count <= turn.configuration.maximumEmissionBytes else {
                return turn.misbehave("emitted \(json.count) bytes at once", now)
            }
            do throws(Emission.Malformed) {
                turn.perform(try Emission(kind: kind, json: json), number, now)
            } catch {
                turn.misbehave("emitted malformed content: \(error.sentence)", now)
            }
        }
    }

    /// The agent says that an item is complete.
    mutating func agentItemDone(_ number: UInt32, now: Moment) {
        input(now) { turn in
            switch turn.agentItems[number] {
            case nil: turn.misbehave("completed item \(number), which it never began", now)
            case .done: turn.misbehave("completed item \(number) twice", now)
            case .open(let handle): turn.endAgentItem(number, handle)
            }
        }
    }

    /// The agent has said everything, or failed.
    mutating func agentFinished(_ result: Result<Void, ProviderFailure>, now: Moment) {
        input(now) { turn in
            switch result {
            case .success: turn.complete()
            case .failure(let failure): turn.fail(failure, of: .agent, now: now)
            }
        }
    }

    /// Ends the turn because a plugin did not deliver.
    mutating func fail(_ failure: ProviderFailure, of role: ProviderRole, now: Moment) {
        let isModel = role == .model
        let (code, message, allowRetry): (TurnErrorCode, String, Bool) =
            switch failure {
            case .crashed: (isModel ? .modelCrashed : .agentCrashed, "The \(role) crashed; try again.", true)
            case .deadline: (.turnTimeout, "The \(role) took too long and was stopped; try again.", true)
            case .cancelled: (.streamError, "The \(role) broke off; try again.", true)
            case .unavailable:
                (
                    isModel ? .modelUnavailable : .agentUnavailable,
                    "The \(role) is not available at the moment; try again later.", true
                )
            case .quarantined:
                (
                    isModel ? .modelQuarantined : .agentQuarantined,
                    "The \(role) crashed too often and is out of use for a while; try again in a minute.", true
                )
            case .unsupported: (.streamError, "The \(role) cannot answer this.", false)
            case .denied: (.streamError, "The \(role) is not allowed to do this.", false)
            case .overLimit(let reached): (.pluginLimit, reached.sentence, true)
            case .limit: (.outputLimit, "The \(role) went over a limit and was stopped; ask for less at once.", true)
            case .failed(let text):
                (.streamError, text.isEmpty || isModel ? "The \(role) failed; try again." : text, true)
            case .explained(let why):
                (TurnErrorCode(rawValue: why.code) ?? .streamError, why.sentence, why.allowRetry)
            }
        let detail = if case .explained(let why) = failure { why.detail } else { "\(failure)" }
        fail(code: code, message: message, allowRetry: allowRetry, detail: "\(role): \(detail)", now: now)
    }

    // MARK: Emissions

    /// One emission: its bytes come back as credit when readers have taken what it became, or at once when it became nothing.
    private mutating func emission(of bytes: Int, _ now: Moment, _ body: (inout Turn) -> Void) {
        guard isRunning else { return }
        let before = transcript.log.appended
        input(now) { turn in
            guard turn.transcript.log.bytesAhead <= turn.configuration.maximumBytesAhead else {
                return turn.fail(
                    code: .outputLimit, message: "The answer came faster than it could be delivered and was stopped.",
                    allowRetry: true, detail: "reader too far behind", now: now)
            }
            body(&turn)
        }
        if bytes > 0, transcript.log.appended == before || !transcript.log.charge(bytes) {
            actions.append(.credit(bytes))
        }
    }

    /// Ends the turn because the agent broke the contract; `what` completes "The agent …" for the log.
    mutating func misbehave(_ what: String, _ now: Moment) {
        fail(
            code: .agentMisbehaved, message: "The agent made a mistake and was stopped; tell its author.",
            allowRetry: true,
            detail: "agent \(what)", now: now)
    }
}
