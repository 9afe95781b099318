/// The vocabulary of the ChatKit protocol (`chatkit-protocol.md`): what goes over the wire, and no behaviour.
///
/// A namespace, so that the protocol's words (`Thread`, `Task`) keep their names.
enum ChatKit {}

extension ChatKit {
    /// A conversation.
    struct Thread: Sendable, Hashable {
        var id: String
        var createdAt: Timestamp
        var title: String?
        var status: ThreadStatus = .active
        var allowedImageDomains: [String]?
    }

    /// Whether the composer is open. Only steers the user interface.
    enum ThreadStatus: Sendable, Hashable {
        case active
        case locked(reason: String?)
        case closed(reason: String?)
    }

    /// An entry of a thread.
    struct Item: Sendable, Hashable {
        var id: String
        var threadID: String
        var createdAt: Timestamp
        var content: ItemContent
    }

    /// What an item holds; each case is a `type` of the protocol.
    enum ItemContent: Sendable, Hashable {
        case userMessage(UserMessage)
        case assistantMessage([AssistantContent])
        case clientToolCall(ClientToolCall)
        /// `widget` goes out as it came, but for nulls, which are removed.
        case widget(JSON, copyText: String?)
        case generatedImage(GeneratedImage?)
        case structuredInput(StructuredInput)
        case workflow(Workflow)
        case task(Task)
        case endOfTurn
        /// Never leaves the server.
        case hiddenContext(JSON)
        /// Never leaves the server.
        case sdkHiddenContext(String)
    }

    struct UserMessage: Sendable, Hashable {
        var content: [UserContent]
        /// Attachment objects as they were when the message was sent.
        var attachments: [JSON] = []
        var quotedText: String?
        var inferenceOptions = InferenceOptions()
    }

    enum UserContent: Sendable, Hashable {
        case text(String)
        case tag(id: String, text: String, data: JSONObject, group: String?, interactive: Bool)
    }

    struct InferenceOptions: Sendable, Hashable {
        var toolChoice: String?
        var model: String?
    }

    /// `output_text`: Markdown with annotations.
    struct AssistantContent: Sendable, Hashable {
        var text: String
        /// Whole annotation objects.
        var annotations: [JSON] = []
    }

    struct ClientToolCall: Sendable, Hashable {
        enum Status: String, Sendable { case pending, completed }
        var status: Status
        var callID: String
        var name: String
        var arguments: JSONObject
        var output: JSON?
    }

    struct GeneratedImage: Sendable, Hashable {
        var id: String
        var url: String
    }

    struct StructuredInput: Sendable, Hashable {
        enum Status: String, Sendable { case pending, answered, skipped }
        var status: Status
        /// Whole input objects.
        var inputs: [JSON]
    }

    struct Workflow: Sendable, Hashable {
        enum Kind: String, Sendable { case custom, reasoning }
        enum Summary: Sendable, Hashable {
            case title(String, icon: String?)
            /// Seconds.
            case duration(Int64)
        }
        var kind: Kind = .custom
        var tasks: [Task] = []
        var summary: Summary?
        var expanded = false
    }

    struct Task: Sendable, Hashable {
        enum Indicator: String, Sendable { case none, loading, complete }
        enum Kind: Sendable, Hashable {
            case custom(title: String?, icon: String?, content: String?)
            case webSearch(title: String?, titleQuery: String?, queries: [String], sources: [JSON])
            case thought(title: String?, content: String)
            case file(title: String?, sources: [JSON])
            case image(title: String?)
        }
        var indicator: Indicator = .none
        var kind: Kind
    }

    /// One event of a stream; text deltas that come one after the other are one value.
    enum Event: Sendable, Hashable {
        case threadCreated(Thread)
        case threadUpdated(Thread)
        case itemAdded(Item)
        case itemUpdated(id: String, ItemUpdate)
        case itemDone(Item)
        case itemRemoved(id: String)
        case itemReplaced(Item)
        case streamOptions(allowCancel: Bool)
        case progress(text: String, icon: String?)
        case clientEffect(name: String, data: JSONObject)
        case notice(level: NoticeLevel, message: String, title: String?)
        /// `code`: "stream.error", "custom" or another stable code.
        case error(code: String, message: String?, allowRetry: Bool)
    }

    enum NoticeLevel: String, Sendable { case info, warning, danger }

    /// The `update` of `thread.item.updated`.
    enum ItemUpdate: Sendable, Hashable {
        case contentPartAdded(index: Int, AssistantContent)
        /// An event for each piece.
        case textDeltas(index: Int, TextDeltas)
        case annotationAdded(index: Int, annotationIndex: Int, annotation: JSON)
        case contentPartDone(index: Int, AssistantContent)
        case widgetTextDelta(componentID: String, delta: String, done: Bool)
        case widgetComponent(componentID: String, component: JSON)
        case widgetRoot(JSON)
        case taskAdded(index: Int, Task)
        case taskUpdated(index: Int, Task)
        case imageUpdated(GeneratedImage, progress: Double?)
    }
}

extension ChatKit.Item {
    /// Hidden items are kept for the agent and never sent to a client.
    var isHidden: Bool {
        switch content {
        case .hiddenContext, .sdkHiddenContext: true
        default: false
        }
    }
}
