import Synchronization
import Testing

@testable import AgentHost

let ada = OwnerKey("h:ada")
let origin = TurnOrigin(owner: ada, requestID: "req_1", locale: "en", canAsk: true)

func said(_ text: String) -> ChatKit.UserMessage { ChatKit.UserMessage(content: [.text(text)]) }

extension TurnReader {
    /// The next events, for a test that has a Task to wait in.
    func next() async -> [ChatKit.Event]? { await ChatEventReader(self).next() }
}

/// The rest of a turn's events.
func all(_ reader: TurnReader) async -> [ChatKit.Event] {
    var events: [ChatKit.Event] = []
    while let more = await reader.next() { events += more }
    return events
}

/// The next events, until one has that name (or starts with it) or the turn ends.
func events(_ reader: TurnReader, until name: String) async -> [ChatKit.Event] {
    var events: [ChatKit.Event] = []
    while !events.names.contains(where: { $0.hasPrefix(name) }), let more = await reader.next() { events += more }
    return events
}

/// Waits for something that another thread does, up to five seconds.
func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
    for _ in 0..<2_500 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return condition()
}

extension ChatKit.Event {
    /// `done user_message`, `delta Hello`, `error step_limit`, …: short names to compare.
    var name: String {
        switch self {
        case .threadCreated: "thread.created"
        case .threadUpdated(let thread): "thread.updated \(thread.title ?? "")"
        case .itemAdded(let item): "added \(item.type)"
        case .itemDone(let item): "done \(item.type)"
        case .itemReplaced(let item): "replaced \(item.type)"
        case .itemRemoved: "removed"
        case .streamOptions(let allowCancel): allowCancel ? "options" : "options no cancel"
        case .progress(let text, _): "progress \(text)"
        case .clientEffect(let name, _): "effect \(name)"
        case .notice(_, let message, _): "notice \(message)"
        case .error(let code, _, _): "error \(code)"
        case .itemUpdated(_, let update):
            switch update {
            case .contentPartAdded: "part"
            case .textDeltas(_, let deltas): "delta \(deltas.text)"
            case .annotationAdded: "annotation"
            case .contentPartDone(_, let part): "part done \(part.text)"
            case .taskAdded(let index, let task): "task \(index) \(task.indicator) \(task.shown)"
            case .taskUpdated(let index, let task): "task \(index) \(task.indicator) \(task.shown)"
            case .widgetRoot: "widget root"
            case .widgetComponent(let id, _): "widget component \(id)"
            case .widgetTextDelta(let id, let delta, let done): "widget text \(id) \(delta)\(done ? " done" : "")"
            case .imageUpdated(let image, let progress): "image \(image.url) \(progress ?? -1)"
            }
        }
    }
    var item: ChatKit.Item? {
        switch self {
        case .itemAdded(let item), .itemDone(let item), .itemReplaced(let item): item
        default: nil
        }
    }
}

extension ChatKit.Task {
    var shown: String {
        if case .custom(let title, _, let content) = kind {
            [title, content].compactMap { $0 }.joined(separator: "|")
        } else {
            ""
        }
    }
}

extension [ChatKit.Event] {
    /// A name for each event that a client sees.
    var names: [String] {
        flatMap { event in
            if case .itemUpdated(_, .textDeltas(_, let deltas)) = event { return deltas.pieces.map { "delta \($0)" } }
            return [event.name]
        }
    }
    var done: [ChatKit.Item] { compactMap { if case .itemDone(let item) = $0 { item } else { nil } } }
    var text: String {
        done.compactMap {
            if case .assistantMessage(let parts) = $0.content { parts.map(\.text).joined() } else { nil }
        }.joined(
            separator: "\n")
    }
    /// What the conformance client checks of every stream: ends as it was shown, in order, exactly once; nothing behind an error but
    /// changes of the thread.
    func checkConformance(isComplete: Bool = true) {
        var open: [String: ChatKit.Item] = [:]
        var texts: [String: String] = [:]
        var finished: Set<String> = []
        var shownWidgets: [String: JSON] = [:]
        var shownImages: [String: ChatKit.GeneratedImage] = [:]
        for event in self {
            switch event {
            case .itemAdded(let item):
                #expect(open[item.id] == nil && !finished.contains(item.id), "added twice")
                #expect(!item.isHidden)
                open[item.id] = item
                if case .widget(let tree, _) = item.content { shownWidgets[item.id] = tree }
                if case .generatedImage(let image) = item.content { shownImages[item.id] = image }
            case .itemUpdated(let id, let update):
                #expect(open[id] != nil, "update of an item that is not open")
                switch update {
                case .contentPartAdded: texts[id] = ""
                case .textDeltas(_, let deltas): texts[id, default: "?"] += deltas.text
                case .contentPartDone(_, let part): #expect(texts[id] == part.text)
                case .taskAdded(let index, let task), .taskUpdated(let index, let task):
                    guard case .workflow(var workflow)? = open[id]?.content else {
                        Issue.record("task of something that is no workflow")
                        break
                    }
                    if case .taskAdded = update {
                        #expect(index == workflow.tasks.count)
                        workflow.tasks.append(task)
                    } else {
                        workflow.tasks[index] = task
                    }
                    open[id]?.content = .workflow(workflow)
                case .widgetRoot, .widgetComponent, .widgetTextDelta:
                    #expect(shownWidgets[id] != nil, "update of something that is no widget")
                    shownWidgets[id] = shownWidgets[id].map { WidgetClient.apply(update, to: $0) }
                case .imageUpdated(let image, _): shownImages[id] = image
                case .annotationAdded: break
                }
            case .itemDone(let item):
                #expect(!finished.contains(item.id), "done twice")
                #expect(!item.isHidden)
                finished.insert(item.id)
                guard let before = open.removeValue(forKey: item.id) else { break }
                #expect(before.createdAt == item.createdAt && before.type == item.type)
                if case .workflow(let workflow) = item.content, case .workflow(let shown) = before.content {
                    #expect(workflow.tasks == shown.tasks)
                }
                if case .widget(let tree, _) = item.content { #expect(shownWidgets[item.id] == tree) }
                if case .generatedImage(let image?) = item.content, let shown = shownImages[item.id] {
                    #expect(shown == image)
                }
                if case .assistantMessage(let parts) = item.content {
                    #expect(parts.map(\.text).joined() == texts[item.id])
                }
            case .itemRemoved(let id): open[id] = nil
            case .itemReplaced(let item): #expect(!item.isHidden)
            default: break
            }
        }
        if let error = firstIndex(where: { if case .error = $0 { true } else { false } }) {
            let isQuiet = self[(error + 1)...].allSatisfy { if case .threadUpdated = $0 { true } else { false } }
            #expect(isQuiet, "something behind the error")
        }
        if isComplete { #expect(open.isEmpty, "items never finished") }
    }
}

/// A model that answers as a script says: one closure per step.
final class ScriptedModel: ModelProvider {
    typealias Step = @Sendable (ModelRequest, (ModelDelta) -> Void) -> Result<ModelEnd, ProviderFailure>?
    private let steps: Mutex<[Step]>
    private let asked = Mutex<[ModelRequest]>([])
    private let cancelled = Mutex(false)

    init(_ steps: [Step]) { self.steps = Mutex(steps) }

    var requests: [ModelRequest] { asked.withLock { $0 } }
    var isCancelled: Bool { cancelled.withLock { $0 } }

    func complete(
        _ request: ModelRequest, delta: @escaping @Sendable (ModelDelta) -> Void,
        completion: @escaping @Sendable (Result<ModelEnd, ProviderFailure>) -> Void
    ) -> any Cancellable {
        asked.withLock { $0.append(request) }
        let step = steps.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        if let result = step(request, delta) { completion(result) }
        return Handle(model: self)
    }

    private struct Handle: Cancellable {
        let model: ScriptedModel
        func cancel(_ reason: CancelReason) { model.cancelled.withLock { $0 = true } }
    }

    /// Says text and stops.
    static func say(_ pieces: String...) -> Step {
        { _, delta in
            for piece in pieces { delta(.text(piece)) }
            return .success(ModelEnd(finishReason: "stop"))
        }
    }
    /// Calls functions.
    static func call(_ calls: (name: String, arguments: String)...) -> Step {
        { _, delta in
            for (index, call) in calls.enumerated() {
                delta(
                    .toolCall(
                        index: index, id: "c\(index)", name: call.name, arguments: String(call.arguments.prefix(3))))
                delta(.toolCall(index: index, id: nil, name: nil, arguments: String(call.arguments.dropFirst(3))))
            }
            return .success(ModelEnd(finishReason: "tool_calls"))
        }
    }
}

/// A tool that answers as a closure says; nil: never.
struct ScriptedTool: ToolProvider {
    let answer: @Sendable (ToolCallRequest, @Sendable (JSON) -> Void) -> ToolOutcome?

    func call(
        _ request: ToolCallRequest, progress: @escaping @Sendable (JSON) -> Void,
        completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        if let outcome = answer(request, progress) { completion(outcome) }
        return NotCancellable()
    }
}

/// A coded agent made of a closure.
final class ScriptedAgent: AgentProvider {
    let body: @Sendable (AgentTurnRequest, any AgentOutput) -> Void
    let seen = Mutex<[AgentTurnRequest]>([])
    let credit = Mutex(0)
    let cancelled = Mutex<[CancelReason]>([])
    let outputs = Mutex<[any AgentOutput]>([])

    init(_ body: @escaping @Sendable (AgentTurnRequest, any AgentOutput) -> Void) { self.body = body }

    func begin(_ request: AgentTurnRequest, output: any AgentOutput) -> any AgentTurn {
        seen.withLock { $0.append(request) }
        outputs.withLock { $0.append(output) }
        body(request, output)
        return Handle(agent: self)
    }

    private struct Handle: AgentTurn {
        let agent: ScriptedAgent
        func cancel(_ reason: CancelReason) { agent.cancelled.withLock { $0.append(reason) } }
        func consumed(_ bytes: Int) { agent.credit.withLock { $0 += bytes } }
    }
}

/// An engine over a store in memory, with what a test registers.
struct Bench {
    let store = MemoryStore()
    let registry = Registry()
    let engine: TurnEngine

    init(_ configuration: TurnConfiguration = TurnConfiguration(), policy: ToolPolicy = ToolPolicy()) {
        EchoAgent.register(in: registry)
        engine = Bench.engine(store, registry, configuration, policy)
    }

    static func engine(
        _ store: MemoryStore, _ registry: Registry, _ configuration: TurnConfiguration = TurnConfiguration(),
        _ policy: ToolPolicy = ToolPolicy()
    ) -> TurnEngine {
        TurnEngine(
            store: store, registry: registry,
            tools: ToolDispatcher(directory: registry, policy: policy, log: .silent), configuration: configuration,
            log: .silent)
    }

    /// A declarative agent `bot` with tools that take any object.
    func bot(
        _ model: any ModelProvider, tools: [(name: String, tool: ScriptedTool)] = [], clientTools: [String] = [],
        asking: Set<String> = [], prefix: String = "", maxSteps: Int = 16
    ) {
        let declared = DeclarativeAgent(
            instructions: "Be kind.", offlineModel: "rules", tools: ["*"], maxSteps: maxSteps)
        let agent = AgentDescriptor(id: "bot", title: "Bot", plugin: "p", kind: .declarative(declared))
        let inBrowser = clientTools.map { (name: $0, tool: ScriptedTool { _, _ in .failure("called by the host") }) }
        let made = (tools + inBrowser).map { name, tool in
            Registry.Tool(
                descriptor: ToolDescriptor(
                    plugin: "p", name: name, exposedName: prefix + name, title: "Tool \(name)", description: "",
                    inputSchema: ["type": "object"], needsApproval: asking.contains(name),
                    runsInClient: clientTools.contains(name)),
                provider: tool)
        }
        #expect(
            registry.register(
                plugin: "p", agents: [.init(descriptor: agent)], tools: made,
                models: [.init(plugin: "p", id: "rules", provider: model)]) == nil)
    }

    /// A declarative agent of a plugin of its own, with what it may ask and hand over to.
    func other(
        _ id: String, _ model: any ModelProvider, agents: [String] = [], handoffs: [String] = [],
        tools: [(name: String, tool: ScriptedTool)] = [], maxSteps: Int = 16
    ) {
        let declared = DeclarativeAgent(
            instructions: "I am \(id).", offlineModel: "rules", tools: ["*"], agents: agents, handoffs: handoffs,
            maxSteps: maxSteps)
        let agent = AgentDescriptor(
            id: id, title: "Agent \(id)", summary: "Knows \(id).", plugin: "p.\(id)", kind: .declarative(declared))
        let made = tools.map { name, tool in
            Registry.Tool(
                descriptor: ToolDescriptor(
                    plugin: "p.\(id)", name: name, exposedName: name, title: "Tool \(name)", description: "",
                    inputSchema: ["type": "object"]),
                provider: tool)
        }
        #expect(
            registry.register(
                plugin: "p.\(id)", agents: [.init(descriptor: agent)], tools: made,
                models: [.init(plugin: "p.\(id)", id: "rules", provider: model)]) == nil)
    }

    /// A coded agent `code`.
    @discardableResult
    func code(_ body: @escaping @Sendable (AgentTurnRequest, any AgentOutput) -> Void) -> ScriptedAgent {
        let agent = ScriptedAgent(body)
        let descriptor = AgentDescriptor(
            id: "code", title: "Code", plugin: "c", kind: .coded,
            accepts: [.action, .syncAction, .feedback, .transcription])
        #expect(
            registry.register(
                plugin: "c", agents: [.init(descriptor: descriptor, provider: agent)], tools: [], models: []) == nil)
        return agent
    }

    func create(_ agent: String, _ text: String = "hello") async throws -> TurnReader {
        try await engine.create(agent: agent, message: said(text), origin: origin)
    }
}
