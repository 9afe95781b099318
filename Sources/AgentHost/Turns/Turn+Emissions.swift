// What the emissions of a coded agent do to the turn.

extension Turn {
    mutating func perform(_ emission: Emission, _ number: UInt32, _ now: Moment) {
        switch emission {
        case .progress(let text, let icon): transcript.append(.progress(text: text, icon: icon))
        case .notice(let level, let message, let title):
            transcript.append(.notice(level: level, message: message, title: title))
        case .effect(let name, let data): transcript.append(.clientEffect(name: name, data: data))
        case .options(let allowCancel): transcript.append(.streamOptions(allowCancel: allowCancel))
        case .thread(let change): changeThread { change.apply(to: &$0) }
        case .annotation(let annotation):
            if let message = agentItem(number, as: .message, now, begin: { .message }) {
                transcript.annotate(annotation, on: message)
            }
        case .widget(let tree, let copyText): performWidget(tree, copyText, number, now)
        case .widgetText(let component, let delta, let isDone):
            performWidgetText(component, delta, isDone, number, now)
        case .image(let url, let id, let progress): performImage(url, id, progress, number, now)
        case .workflow, .task, .workflowEnd: performWorkflow(emission, number, now)
        default: performWhole(emission, number, now)
        }
    }

    // MARK: Items by number

    /// The open item of that number; begun with `begin` if it is new. Nil (and the turn failed) when it is complete or something
    /// else.
    mutating func agentItem(
        _ number: UInt32, as kind: Transcript.OpenItem.Kind, _ now: Moment, begin: () -> Transcript.OpenItem.Body?
    ) -> Transcript.Handle? {
        switch agentItems[number] {
        case .done: misbehave("went on with item \(number), which it had completed", now)
        case .open(let handle):
            if transcript.body(handle)?.kind == kind { return handle }
            misbehave("used item \(number) as a \(kind), which it is not", now)
        case nil:
            guard let body = begin() else {
                misbehave("used item \(number) as a \(kind), which it never began", now)
                return nil
            }
            let handle = transcript.begin(body, at: now.wall)
            agentItems[number] = .open(handle)
            return handle
        }
        return nil
    }

    mutating func endAgentItem(_ number: UInt32, _ handle: Transcript.Handle) {
        if let item = transcript.item(handle) { agentItems[number] = .done(id: item.id, createdAt: item.createdAt) }
        transcript.end(handle)
    }

    // MARK: Items that grow

    private mutating func performWidget(_ tree: JSON, _ copyText: String?, _ number: UInt32, _ now: Moment) {
        let isNew = agentItems[number] == nil
        guard let widget = agentItem(number, as: .widget, now, begin: { .widget(tree, copyText: copyText) }) else {
            return
        }
        if !isNew { transcript.replaceWidget(widget, tree, copyText: copyText) }
    }

    private mutating func performWidgetText(
        _ component: String, _ delta: String, _ isDone: Bool, _ number: UInt32, _ now: Moment
    ) {
        guard let widget = agentItem(number, as: .widget, now, begin: { nil }) else { return }
        if !transcript.appendToWidget(widget, component: component, delta, isDone: isDone) {
            misbehave("appended to component \"\(component)\", which is no Text or Markdown of its widget", now)
        }
    }

    private mutating func performImage(
        _ url: String?, _ id: String?, _ progress: Double?, _ number: UInt32, _ now: Moment
    ) {
        let made = url.map { ChatKit.GeneratedImage(id: id ?? transcript.makeID("img"), url: $0) }
        if agentItems[number] == nil, progress == nil {
            _ = agentItem(number, as: .image, now, begin: { .image(made) })
            return
        }
        guard let handle = agentItem(number, as: .image, now, begin: { .image(nil) }),
            case .image(let before)? = transcript.body(handle)
        else { return }
        // Without a picture there is nothing the protocol could show the progress of.
        guard var image = made ?? before else { return }
        if id == nil, let before { image.id = before.id }
        transcript.updateImage(handle, image, progress: progress)
    }

    private mutating func performWorkflow(_ emission: Emission, _ number: UInt32, _ now: Moment) {
        switch emission {
        case .workflow(let workflow):
            guard agentItems[number] == nil else { return misbehave("announced item \(number) twice", now) }
            _ = agentItem(number, as: .workflow, now, begin: { .workflow(workflow) })
        case .workflowEnd(let summary, let expanded):
            guard let workflow = agentItem(number, as: .workflow, now, begin: { nil }) else { return }
            transcript.summarize(workflow, summary, expanded: expanded)
            endAgentItem(number, workflow)
        case .task(let task, let index):
            if case .open(let handle)? = agentItems[number], transcript.body(handle)?.kind == .workflow {
                return putTask(task, index, handle, now)
            }
            let isNew = agentItems[number] == nil
            guard let handle = agentItem(number, as: .task, now, begin: { .task(task) }) else { return }
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

    // MARK: Items that are whole

    private mutating func performWhole(_ emission: Emission, _ number: UInt32, _ now: Moment) {
        switch emission {
        // Clients never see it, so it needs no number.
        case .hiddenContext(let content): transcript.put(.hiddenContext(content), at: now.wall)
        case .endOfTurn: putWhole(.endOfTurn, number, now)
        case .structuredInput(let input): putWhole(.structuredInput(input), number, now)
        case .item(let content): putWhole(content, number, now)
        case .clientToolCall(let name, let arguments):
            callClient(
                ChatKit.ClientToolCall(
                    status: .pending, callID: transcript.makeID("call"), name: name, arguments: arguments),
                now: now)
        case .replace(let id, let createdAt, let content): replaceItem(id, createdAt, content, number, now)
        case .remove(let id): removeItem(id, number, now)
        case .error(let code, let message, let allowRetry):
            fail(
                showing: .error(code: code, message: message, allowRetry: allowRetry),
                as: TurnErrorCode(rawValue: code) ?? .custom, detail: "agent: \(code) \(message ?? "")", now: now)
        default: break
        }
    }

    /// For what is whole at once, number 0 names nothing and may be used again and again; any other names the item from then on.
    private mutating func putWhole(_ content: ChatKit.ItemContent, _ number: UInt32, _ now: Moment) {
        guard number == 0 || agentItems[number] == nil else {
            return misbehave("used number \(number) for a second item", now)
        }
        let id = transcript.put(content, at: now.wall)
        if number != 0 { agentItems[number] = .done(id: id, createdAt: now.wall) }
    }

    private mutating func replaceItem(
        _ id: String?, _ createdAt: Timestamp?, _ content: ChatKit.ItemContent, _ number: UInt32, _ now: Moment
    ) {
        if let id { return transcript.replace(id, createdAt: createdAt ?? now.wall, content) }
        switch agentItems[number] {
        case .done(let id, let createdAt): transcript.replace(id, createdAt: createdAt, content)
        case .open: misbehave("replaced item \(number), which it has not completed", now)
        case nil: misbehave("replaced item \(number), which it never began, without an id", now)
        }
    }

    private mutating func removeItem(_ id: String?, _ number: UInt32, _ now: Moment) {
        if let id { return transcript.delete(id) }
        switch agentItems[number] {
        case .open(let handle):
            if let item = transcript.item(handle) {
                agentItems[number] = .done(id: item.id, createdAt: item.createdAt)
            }
            transcript.remove(handle)
        case .done(let id, _): transcript.delete(id)
        case nil: misbehave("removed item \(number), which it never began, without an id", now)
        }
    }
}
