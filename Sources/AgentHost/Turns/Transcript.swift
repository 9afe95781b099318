/// The items a turn is writing: turns changes into events and, when an item is complete, into writes.
///
/// `done` is made from the same values the events before it were made from, so an item never ends otherwise than it was shown. A
/// pure value.
struct Transcript: Sendable {
    /// Names an open item within the turn.
    typealias Handle = Int

    /// An item that was announced and is not complete.
    struct OpenItem: Sendable {
        enum Body: Sendable, Hashable {
            /// Text and annotations are kept beside, where they grow without being copied.
            case message
            case workflow(ChatKit.Workflow)
            case task(ChatKit.Task)
            /// The tree has no nulls.
            case widget(JSON, copyText: String?)
            case image(ChatKit.GeneratedImage?)

            var kind: Kind {
                switch self {
                case .message: .message
                case .workflow: .workflow
                case .task: .task
                case .widget: .widget
                case .image: .image
                }
            }
        }
        enum Kind: String, Sendable, CustomStringConvertible {
            case message, workflow, task, widget, image
            /// The word for it in messages about an agent's mistakes.
            var description: String { rawValue }
        }
        let handle: Handle
        let id: String
        let createdAt: Timestamp
        var body: Body
        var text = ""
        var annotations: [JSON] = []
        /// See `StoredItem.hostJSON`.
        var hostJSON: JSON?

        var content: ChatKit.ItemContent {
            switch body {
            case .message: .assistantMessage([ChatKit.AssistantContent(text: text, annotations: annotations)])
            case .workflow(let workflow): .workflow(workflow)
            case .task(let task): .task(task)
            case .widget(let tree, let copyText): .widget(tree, copyText: copyText)
            case .image(let image): .generatedImage(image)
            }
        }

        var isBlankMessage: Bool { body == .message && text.allSatisfy(\.isWhitespace) }
    }

    let threadID: String
    let owner: OwnerKey
    /// Makes an id of a given prefix.
    let makeID: @Sendable (String) -> String

    var log = EventLog()
    private(set) var open: [OpenItem] = []
    /// Items that were shown, open or done.
    private(set) var shownItems = 0
    private var nextHandle: Handle = 1
    /// Operations of the write that is being put together, and its number.
    private(set) var operations: [StoreOperation] = []
    private(set) var write = 1
    /// A change of the thread that clients learn right after the next event; `write` is nil once it is durable.
    private var threadChange: (thread: ChatKit.Thread, write: Int?)?

    init(threadID: String, owner: OwnerKey, makeID: @escaping @Sendable (String) -> String) {
        self.threadID = threadID
        self.owner = owner
        self.makeID = makeID
    }

    // MARK: Events

    /// Adds an event, and a change of the thread that waited for it.
    ///
    /// - Parameter stored: whether the event waits for the write that is being put together.
    mutating func append(_ event: ChatKit.Event, stored: Bool = false) {
        log.append(event, write: stored ? write : nil)
        announceThread()
    }

    mutating func announceThread() {
        guard let change = threadChange else { return }
        threadChange = nil
        log.append(.threadUpdated(change.thread), write: change.write)
    }

    /// Stores the thread anew and tells clients after the next event.
    mutating func change(_ thread: ChatKit.Thread, json: [UInt8]) {
        operations.append(.updateThread(id: threadID, owner: owner, json: json))
        threadChange = (thread, write)
    }

    // MARK: Items

    /// Announces an item.
    mutating func begin(_ body: OpenItem.Body, at now: Timestamp) -> Handle {
        let prefix =
            switch body {
            case .message, .widget, .image: "msg"
            case .workflow: "wf"
            case .task: "tsk"
            }
        let item = OpenItem(handle: nextHandle, id: makeID(prefix), createdAt: now, body: body)
        nextHandle += 1
        shownItems += 1
        open.append(item)
        if case .message = body {
            append(.itemAdded(shown(item, .assistantMessage([]))))
            append(.itemUpdated(id: item.id, .contentPartAdded(index: 0, ChatKit.AssistantContent(text: ""))))
        } else {
            append(.itemAdded(shown(item, item.content)))
        }
        return item.handle
    }

    private func shown(_ item: OpenItem, _ content: ChatKit.ItemContent) -> ChatKit.Item {
        ChatKit.Item(id: item.id, threadID: threadID, createdAt: item.createdAt, content: content)
    }

    private func index(_ handle: Handle) -> Int? { open.firstIndex { $0.handle == handle } }

    /// The open item; nil when it is complete.
    func item(_ handle: Handle) -> OpenItem? { index(handle).map { open[$0] } }

    /// What an open item is: without a copy of its text.
    func body(_ handle: Handle) -> OpenItem.Body? { index(handle).map { open[$0].body } }

    /// Appends text to an open message; no text is nothing.
    mutating func text(_ deltas: ChatKit.TextDeltas, to handle: Handle) {
        guard let index = index(handle), !deltas.isEmpty else { return }
        open[index].text += deltas.text
        append(.itemUpdated(id: open[index].id, .textDeltas(index: 0, deltas)))
    }

    mutating func annotate(_ annotation: JSON, on handle: Handle) {
        guard let index = index(handle) else { return }
        let position = open[index].annotations.count
        open[index].annotations.append(annotation)
        append(
            .itemUpdated(
                id: open[index].id, .annotationAdded(index: 0, annotationIndex: position, annotation: annotation)))
    }

    /// Adds a task to an open workflow, or replaces one. Returns its index.
    @discardableResult
    mutating func put(_ task: ChatKit.Task, at taskIndex: Int? = nil, in handle: Handle) -> Int? {
        guard let index = index(handle), case .workflow(var workflow) = open[index].body else { return nil }
        if let taskIndex, workflow.tasks.indices.contains(taskIndex) {
            workflow.tasks[taskIndex] = task
            open[index].body = .workflow(workflow)
            append(.itemUpdated(id: open[index].id, .taskUpdated(index: taskIndex, task)))
            return taskIndex
        }
        workflow.tasks.append(task)
        open[index].body = .workflow(workflow)
        append(.itemUpdated(id: open[index].id, .taskAdded(index: workflow.tasks.count - 1, task)))
        return workflow.tasks.count - 1
    }

    /// Changes how a workflow is summed up and shown; seen when it is complete.
    mutating func summarize(
        _ handle: Handle, _ summary: ChatKit.Workflow.Summary?, expanded: Bool? = nil
    ) {
        guard let index = index(handle), case .workflow(var workflow) = open[index].body else { return }
        if let summary { workflow.summary = summary }
        if let expanded { workflow.expanded = expanded }
        open[index].body = .workflow(workflow)
    }

    /// Replaces a standalone task; shown when it is complete.
    mutating func replaceTask(_ handle: Handle, _ task: ChatKit.Task) {
        guard let index = index(handle) else { return }
        open[index].body = .task(task)
    }

    /// The next tree of a widget: clients are told of what is different.
    mutating func replaceWidget(_ handle: Handle, _ tree: JSON, copyText: String?) {
        guard let index = index(handle), case .widget(let old, let text) = open[index].body else { return }
        open[index].body = .widget(tree, copyText: copyText ?? text)
        for update in WidgetDiff.updates(from: old, to: tree) { append(.itemUpdated(id: open[index].id, update)) }
    }

    /// More text for one component of a widget. False when the widget has no `Text` or `Markdown` of that id.
    mutating func appendToWidget(_ handle: Handle, component: String, _ delta: String, isDone: Bool) -> Bool {
        guard let index = index(handle), case .widget(let old, let text) = open[index].body,
            let tree = WidgetDiff.appending(delta, to: component, in: old, isDone: isDone)
        else { return false }
        open[index].body = .widget(tree, copyText: text)
        append(
            .itemUpdated(id: open[index].id, .widgetTextDelta(componentID: component, delta: delta, done: isDone)))
        return true
    }

    /// A better version of an image, or news of how far it is.
    mutating func updateImage(_ handle: Handle, _ image: ChatKit.GeneratedImage, progress: Double?) {
        guard let index = index(handle) else { return }
        open[index].body = .image(image)
        append(.itemUpdated(id: open[index].id, .imageUpdated(image, progress: progress)))
    }

    /// Keeps what the engine needs again beside the item.
    mutating func remember(_ json: JSON, with handle: Handle) {
        guard let index = index(handle) else { return }
        open[index].hostJSON = json
    }

    /// Completes an item: it is stored, then shown as done.
    mutating func end(_ handle: Handle) {
        guard let index = index(handle) else { return }
        let item = open.remove(at: index)
        let done = shown(item, item.content)
        if case .message = item.body {
            let part = ChatKit.AssistantContent(text: item.text, annotations: item.annotations)
            append(.itemUpdated(id: item.id, .contentPartDone(index: 0, part)))
        }
        operations.append(.insertItem(StoredItem(done, hostJSON: item.hostJSON?.encoded), owner: owner))
        append(.itemDone(done), stored: true)
    }

    // MARK: Items that are complete at once

    /// Stores an item and shows it as done. Hidden ones are only stored. Returns its id.
    @discardableResult
    mutating func put(_ content: ChatKit.ItemContent, at now: Timestamp, hostJSON: JSON? = nil) -> String {
        let item = ChatKit.Item(
            id: makeID(Transcript.prefix(content)), threadID: threadID, createdAt: now, content: content)
        operations.append(.insertItem(StoredItem(item, hostJSON: hostJSON?.encoded), owner: owner))
        if !item.isHidden {
            shownItems += 1
            append(.itemDone(item), stored: true)
        }
        return item.id
    }

    private static func prefix(_ content: ChatKit.ItemContent) -> String {
        switch content {
        case .clientToolCall: "tc"
        case .workflow: "wf"
        case .task: "tsk"
        case .hiddenContext, .sdkHiddenContext: "shcx"
        case .endOfTurn: "eot"
        case .userMessage, .assistantMessage, .widget, .generatedImage, .structuredInput: "msg"
        }
    }

    /// Gives an item of the thread another content; its place is kept. Clients hear nothing of hidden content.
    mutating func replace(_ id: String, createdAt: Timestamp, _ content: ChatKit.ItemContent) {
        let item = ChatKit.Item(id: id, threadID: threadID, createdAt: createdAt, content: content)
        operations.append(.upsertItem(StoredItem(item), owner: owner))
        if item.isHidden { return }
        shownItems += 1
        append(.itemReplaced(item), stored: true)
    }

    /// Deletes an item of the thread.
    mutating func delete(_ id: String) {
        operations.append(.deleteItem(id: id, thread: threadID, owner: owner))
        append(.itemRemoved(id: id), stored: true)
    }

    // MARK: Ends

    /// Completes everything that is open, in the order it was begun; messages without text are taken back.
    mutating func endAll() {
        for item in open {
            if item.isBlankMessage { remove(item.handle) } else { end(item.handle) }
        }
    }

    /// Takes an open item back.
    mutating func remove(_ handle: Handle) {
        guard let index = index(handle) else { return }
        append(.itemRemoved(id: open.remove(at: index).id))
    }

    /// Keeps messages that have text, drops everything else that is open without a word: nobody is there to be told.
    mutating func abandon() {
        for item in open {
            if item.body == .message && !item.isBlankMessage {
                end(item.handle)
            } else {
                open.removeAll { $0.handle == item.handle }
            }
        }
    }

    /// Forgets everything that is not stored yet.
    mutating func discard() {
        open = []
        operations = []
        threadChange = nil
    }

    /// Stores an item that clients never see.
    mutating func hide(_ content: ChatKit.ItemContent, at now: Timestamp, hostJSON: JSON? = nil) {
        let item = ChatKit.Item(id: makeID("shcx"), threadID: threadID, createdAt: now, content: content)
        operations.append(.insertItem(StoredItem(item, hostJSON: hostJSON?.encoded), owner: owner))
    }

    // MARK: Writes

    /// Adds an operation that is no item.
    mutating func also(_ operation: StoreOperation) { operations.append(operation) }

    /// The write that was put together, if there is something in it.
    mutating func takeWrite() -> (number: Int, operations: [StoreOperation])? {
        guard !operations.isEmpty else { return nil }
        defer {
            operations = []
            write += 1
        }
        return (write, operations)
    }

    /// The write is durable.
    mutating func stored(_ write: Int) {
        if let change = threadChange, change.write == write { threadChange = (change.thread, nil) }
        log.stored(write)
    }

    /// Open messages with text, as they are at the moment: for a restart. Nil when there are none.
    var checkpoint: [UInt8]? {
        let items = open.filter { $0.body == .message && !$0.isBlankMessage }
        if items.isEmpty { return nil }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("items")
            writer.array { for item in items { shown(item, item.content).encode(into: &$0) } }
        }
        return writer.bytes
    }
}
