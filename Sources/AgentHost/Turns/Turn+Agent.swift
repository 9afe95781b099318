// Coded agents: what they emit becomes items and events. Whatever breaks the contract fails the turn.

extension Turn {
    /// The agent appends to one of its messages.
    mutating func agentText(item number: UInt32, _ deltas: ChatKit.TextDeltas, now: Moment) {
        emission(of: deltas.bytes.count, now) { turn in
            guard !deltas.isEmpty else { return }
            guard let message = turn.agentItem(number, as: "message", now, begin: { .message }) else { return }
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
            case .some(nil): turn.misbehave("completed item \(number) twice", now)
            case .some(let handle?): turn.endAgentItem(number, handle)
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
    ///
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
            case .denied: (.streamError, "The \(role) is not allowed to do this.", false)
            case .limit: (.outputLimit, "The \(role) went over a limit and was stopped; ask for less at once.", true)
            case .failed(let text):
                (.streamError, text.isEmpty || isModel ? "The \(role) failed; try again." : text, true)
            }
        fail(code: code, message: message, allowRetry: allowRetry, detail: "\(role): \(failure)", now: now)
    }

    // MARK: Emissions

    /// One emission: its bytes come back as credit when readers have taken what it became, or at once when it became nothing.
    private mutating func emission(of bytes: Int, _ now: Moment, _ body: (inout Turn) -> Void) {
        guard isRunning else { return }
        let before = transcript.log.appended
        input(now) { turn in
            guard turn.transcript.log.retainedBytes <= turn.configuration.maximumBytesAhead else {
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

    private mutating func misbehave(_ what: String, _ now: Moment) {
        fail(
            code: .agentMisbehaved, message: "The agent made a mistake and was stopped; tell its author.",
            allowRetry: true,
            detail: "agent \(what)", now: now)
    }

    /// The open item of that number; begun with `begin` if it is new. Nil (and the turn failed) when it is complete or something
    /// else.
    private mutating func agentItem(
        _ number: UInt32, as what: String, _ now: Moment, begin: () -> Transcript.OpenItem.Body?
    ) -> Transcript.Handle? {
        switch agentItems[number] {
        case .some(nil): misbehave("went on with item \(number), which it had completed", now)
        case .some(let handle?):
            if transcript.body(handle)?.name == what { return handle }
            misbehave("used item \(number) as a \(what), which it is not", now)
        case nil:
            guard let body = begin() else {
                misbehave("used item \(number) as a \(what), which it never began", now)
                return nil
            }
            let handle = transcript.begin(body, at: now.wall)
            agentItems[number] = .some(handle)
            return handle
        }
        return nil
    }

    private mutating func endAgentItem(_ number: UInt32, _ handle: Transcript.Handle) {
        agentItems[number] = .some(nil)
        transcript.end(handle)
    }

    private mutating func perform(_ emission: Emission, _ number: UInt32, _ now: Moment) {
        switch emission {
        case .progress(let text, let icon): transcript.append(.progress(text: text, icon: icon))
        case .notice(let level, let message, let title):
            transcript.append(.notice(level: level, message: message, title: title))
        case .effect(let name, let data): transcript.append(.clientEffect(name: name, data: data))
        case .options(let allowCancel): transcript.append(.streamOptions(allowCancel: allowCancel))
        case .hiddenContext(let content): transcript.hide(.hiddenContext(content), at: now.wall)
        case .thread(let title, let status, let metadata):
            changeThread { record in
                if let title { record.title = title }
                if let status { record.status = status }
                for (key, value) in metadata?.members ?? [] {
                    // `nil` alone would be JSON's null.
                    record.metadata[key] = value == .null ? JSON?.none : value
                }
            }
        case .annotation(let annotation):
            if let message = agentItem(number, as: "message", now, begin: { .message }) {
                transcript.annotate(annotation, on: message)
            }
        case .widget(let tree, let copyText): performWidget(tree, copyText, number, now)
        case .workflow, .task, .workflowEnd: performWorkflow(emission, number, now)
        }
    }

    private mutating func performWidget(_ tree: JSON, _ copyText: String?, _ number: UInt32, _ now: Moment) {
        let isNew = agentItems[number] == nil
        guard let widget = agentItem(number, as: "widget", now, begin: { .widget(tree, copyText: copyText) }) else {
            return
        }
        if !isNew { transcript.replaceWidget(widget, tree, copyText: copyText) }
    }

    private mutating func performWorkflow(_ emission: Emission, _ number: UInt32, _ now: Moment) {
        switch emission {
        case .workflow(let workflow):
            guard agentItems[number] == nil else { return misbehave("announced item \(number) twice", now) }
            _ = agentItem(number, as: "workflow", now, begin: { .workflow(workflow) })
        case .workflowEnd(let summary):
            guard let workflow = agentItem(number, as: "workflow", now, begin: { nil }) else { return }
            if let summary { transcript.summarize(workflow, summary) }
            endAgentItem(number, workflow)
        case .task(let task, let index):
            if let handle = agentItems[number].flatMap({ $0 }), transcript.body(handle)?.name == "workflow" {
                return putTask(task, index, handle, now)
            }
            let isNew = agentItems[number] == nil
            guard let handle = agentItem(number, as: "task", now, begin: { .task(task) }) else { return }
            if !isNew { transcript.replaceTask(handle, task) }
        default: break
        }
    }

    private mutating func putTask(_ task: ChatKit.Task, _ index: Int?, _ workflow: Transcript.Handle, _ now: Moment) {
        guard case .workflow(let content)? = transcript.body(workflow) else { return }
        guard index.map({ (0...content.tasks.count).contains($0) }) ?? true, content.tasks.count < 256 else {
            return misbehave("named a task that its workflow does not have", now)
        }
        transcript.put(task, at: index, in: workflow)
    }
}

extension Transcript.OpenItem.Body {
    /// The word for it in messages about an agent's mistakes.
    fileprivate var name: String {
        switch self {
        case .message: "message"
        case .workflow: "workflow"
        case .task: "task"
        case .widget: "widget"
        }
    }
}
