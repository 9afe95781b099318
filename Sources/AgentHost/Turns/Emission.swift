/// What a coded agent emits besides text (abi.md 4.5); `docs/plugin-abi.md` lists the kinds and their JSON.
enum Emission: Sendable, Hashable {
    /// Announces a workflow.
    case workflow(ChatKit.Workflow)
    /// Of the workflow of this number (`index` names the one to replace, nil adds), else a task of its own.
    case task(ChatKit.Task, index: Int?)
    case workflowEnd(ChatKit.Workflow.Summary?, expanded: Bool?)
    case progress(text: String, icon: String?)
    case notice(level: ChatKit.NoticeLevel, message: String, title: String?)
    case effect(name: String, data: JSONObject)
    case annotation(JSON)
    case thread(ThreadChange)
    /// The whole tree, without nulls.
    case widget(JSON, copyText: String?)
    /// More text for one component of the widget of this number.
    case widgetText(component: String, delta: String, isDone: Bool)
    /// `id` is nil where the agent leaves it to the host.
    case image(url: String?, id: String?, progress: Double?)
    /// A tool that runs in the browser; the turn ends with it.
    case clientToolCall(name: String, arguments: JSONObject)
    case structuredInput(ChatKit.StructuredInput)
    case hiddenContext(JSON)
    case endOfTurn
    /// An item that is complete at once.
    case item(ChatKit.ItemContent)
    /// Another content for an item of the thread: of this id, or of this number.
    case replace(id: String?, createdAt: Timestamp?, ChatKit.ItemContent)
    case remove(id: String?)
    case options(allowCancel: Bool)
    /// Ends the turn with an error.
    case error(code: String, message: String?, allowRetry: Bool)

    /// What may change of a thread; nil leaves it as it is.
    struct ThreadChange: Sendable, Hashable {
        var title: String?
        var status: ChatKit.ThreadStatus?
        /// Merged into what there is; null removes a key.
        var metadata: JSONObject?
        var allowedImageDomains: [String]?

        func apply(to record: inout ThreadRecord) {
            if let title { record.title = title }
            if let status { record.status = status }
            if let allowedImageDomains { record.allowedImageDomains = allowedImageDomains }
            for (key, value) in metadata?.members ?? [] {
                // `nil` alone would be JSON's null.
                record.metadata[key] = value == .null ? JSON?.none : value
            }
        }
    }

    /// Nested arrays and objects, as `agent_plugin.h` promises.
    static let maximumDepth = 64

    /// Why an emission cannot be read.
    struct Malformed: Error, Hashable {
        var sentence: String
    }
}
