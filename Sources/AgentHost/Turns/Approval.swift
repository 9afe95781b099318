/// Calls of one step that the person was asked for. Kept beside the `structured_input` item, so that the answer, days later and after a
/// restart, is to exactly these calls: tool and arguments come from here, never from the client.
struct Approval: Sendable, Hashable {
    enum Decision: String, Sendable, Hashable, CaseIterable { case pending, approved, denied, expired }

    struct Call: Sendable, Hashable {
        /// Names the question, and the call in what is kept of it. Unique.
        var key: String
        /// The model's id of the call.
        var id: String
        /// As the model knows the tool.
        var name: String
        /// `plugin-id/tool`.
        var tool: String
        /// For people.
        var title: String
        var arguments: JSON
        var decision = Decision.pending

        /// SHA-256 of the arguments' JSON text, for the log: arguments may be confidential.
        var digest: String {
            var digest = SHA256Digest()
            digest.update(arguments.encoded)
            return digest.finish()
        }

        /// What the model reads when the call was not agreed to.
        var refusal: String {
            switch decision {
            case .expired:
                "The person answered too late: the request for approval had expired. Ask again if it is still wanted."
            default: "The person did not agree to this call. Do not make it again unless they ask for it."
            }
        }
    }

    /// The agent that wanted them.
    var agent: String
    var calls: [Call]

    /// The answers of a question.
    static let approve = "Approve"
    static let deny = "Deny"

    init(agent: String, calls: [Call]) {
        self.agent = agent
        self.calls = calls
    }

    // MARK: Asking

    /// Characters of exact arguments that a question shows.
    private static let shownArguments = 4_000

    /// One question for each call.
    var questions: [JSON] { calls.map { Approval.question($0) } }

    private static func question(_ call: Call) -> JSON {
        let exact = ToolText.exact(call.arguments)
        let isLong = exact.count > shownArguments
        let shown = isLong ? exact.prefix(shownArguments) + "… (\(exact.utf8.count) bytes)" : exact[...]
        let summary = CallSummary.arguments(call.arguments).map { ": \($0)" } ?? ""
        return [
            "id": .string(call.key), "type": "multiple_choice",
            "question": .string("Allow “\(call.title)”\(summary)?\n\nExact call: \(call.tool) \(shown)"),
            "options": [["value": .string(approve)], ["value": .string(deny)]], "multiple": false,
        ]
    }

    // MARK: Answers

    /// What the person has decided. Whatever is not plainly the word for consent is none.
    func decided(by input: ChatKit.StructuredInput, isExpired: Bool) -> Approval {
        var decided = self
        for index in calls.indices {
            let answer = input.inputs.first { $0["id"]?.string == calls[index].key }?["answer"]
            let isApproved = input.status == .answered && answer?["values"] == [.string(Approval.approve)]
            decided.calls[index].decision = isApproved ? (isExpired ? .expired : .approved) : .denied
        }
        return decided
    }

    // MARK: Kept

    /// The form beside the item.
    var json: JSON {
        [
            "approval": [
                "agent": .string(agent),
                "calls": .array(
                    calls.map {
                        [
                            "key": .string($0.key), "id": .string($0.id), "name": .string($0.name),
                            "tool": .string($0.tool), "title": .string($0.title), "arguments": $0.arguments,
                            "decision": .string($0.decision.rawValue),
                        ]
                    }),
            ]
        ]
    }

    /// Nil when the item beside which it is kept asks for something else.
    init?(hostJSON: [UInt8]?) {
        guard let hostJSON, let kept = (try? JSON.parse(hostJSON))?["approval"], let agent = kept["agent"]?.string,
            let list = kept["calls"]?.array
        else { return nil }
        self.agent = agent
        calls = list.compactMap { json in
            guard let key = json["key"]?.string, let id = json["id"]?.string, let name = json["name"]?.string,
                let tool = json["tool"]?.string, let title = json["title"]?.string, let arguments = json["arguments"],
                let decision = json["decision"]?.string.flatMap({ Decision(rawValue: $0) })
            else { return nil }
            return Call(
                key: key, id: id, name: name, tool: tool, title: title, arguments: arguments, decision: decision)
        }
        guard calls.count == list.count else { return nil }
    }
}

extension Approval {
    /// Writes a line for each call that says who was asked or has decided, about what, and how.
    func note(_ message: String, by owner: OwnerKey, _ threadID: String, _ requestID: String, _ log: Logger) {
        for call in calls {
            log.audit(
                message,
                [
                    "owner": .string(owner.text), "agent": .string(agent), "tool": .string(call.tool),
                    "arguments_sha256": .string(call.digest), "decision": .string(call.decision.rawValue),
                    "approval": .string(call.key), "thread_id": .string(threadID), "request_id": .string(requestID),
                ])
        }
    }
}
