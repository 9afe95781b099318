import PluginABI
import Synchronization

@testable import AgentPluginKit

/// One of everything that a plugin can offer. A test program holds one plugin, so all tests share it.
struct KitFixture: ReconfigurablePlugin {
    static let id = "dev.agenthost.fixture"
    static let version = "1.2.3"
    let host: Host
    let configuration: Cell

    final class Cell: Sendable {
        let value: Mutex<JSON>
        init(_ json: JSON) { value = Mutex(json) }
    }

    init(host: Host, configuration: JSON) throws {
        if configuration["refuse"] == true { throw ToolError("no") }
        self.host = host
        self.configuration = Cell(configuration)
    }

    struct Greeting: Decodable { let name: String }

    var tools: [Tool] {
        [
            Tool("greet") { (arguments: Greeting, context) in
                try await context.progress("thinking")
                return ["text": .string("Hello \(arguments.name), \(context.remainingMilliseconds ?? -1)")]
            },
            Tool("block") { (arguments: [String: UInt32], _) in
                blockThread(milliseconds: arguments["ms"] ?? 1)
                return [:]
            },
            Tool("where") { (_: JSON, _) in
                await Task.yield()
                return ["first": .string(threadName()), "child": .string(await childThread())]
            },
            Tool("fail") { (_: JSON, _) in throw ToolError("Error: it broke") },
            Tool("wait") { (_: JSON, context) in
                try await context.host.sleep(milliseconds: 60_000)
                return [:]
            },
        ]
    }

    /// Where a task runs that a handler waits for.
    private func childThread() async -> String {
        async let name = threadName()
        return await name
    }

    var models: [Model] {
        [
            Model("parrot") { request, output in
                try await output.text(request.messages.last?.text ?? "")
                try await output.toolCall(index: 0, id: "c", name: "greet", arguments: ["name": "x"])
                return .toolCalls
            }
        ]
    }

    var agents: [Agent] {
        [
            Agent("six-words") { turn in
                for number in 1...6 { try await turn.text("word \(number)") }
            },
            Agent("every-kind") { try await everyKind($0) },
            Agent(
                "causes", transcribe: { speech in "\(speech.audioBase64) \(speech.mimeType) \(speech.locale)" },
                answer: { turn in
                    if let message = turn.message { try await turn.text("said \(message)") }
                    if let output = turn.clientToolOutput { try await turn.text("output \(output.text)") }
                    if let answers = turn.answers {
                        for (id, values) in answers.sorted(by: { $0.key < $1.key }) {
                            try await turn.text("answer \(id) \(values)")
                        }
                    }
                    if let action = turn.action {
                        try await turn.text("action \(action.type) \(action.payload.text) \(action.itemID ?? "page")")
                    }
                    if let feedback = turn.feedback {
                        try await turn.text("feedback \(feedback.isPositive) \(feedback.itemIDs)")
                    }
                }),
            Agent("reader") { turn in
                try await turn.text(turn.host.conversation.record()["title"]?.string ?? "none")
                var page = try await turn.host.conversation.items(limit: 2, oldestFirst: true)
                try await turn.text("\(page.items.compactMap(\.int))")
                while let after = page.after {
                    page = try await turn.host.conversation.items(oldestFirst: true, after: after)
                    try await turn.text("\(page.items.compactMap(\.int))")
                }
            },
            Agent("emitter") { turn in
                try await turn.text("\(turn.kind) of \(turn.input.count)", item: 7)
                try await turn.itemDone(7)
                try await turn.emit("progress", ["text": "busy"])
                try await turn.emit("nonsense", [:])
            },
            Agent("forgetful") { turn in
                // A task of its own is not cancelled with the turn.
                try await Task.detached { try await turn.text("still there?") }.value
            },
            Agent("caller") { turn in
                let tools = try await host.listTools().map(\.name)
                let doubled = try await host.callTool("double", ["n": 21])
                try await turn.text("\(tools) \(doubled["n"]?.int ?? 0) \(doubled["scope"]?.int ?? 0)")
                do {
                    _ = try await host.callTool("broken", [:])
                } catch let error as HostError {
                    try await turn.text("\(error.code) \(error.message)")
                }
                _ = try await host.callTool("unknown", [:])
            },
            Agent("asker") { turn in
                let pieces = Mutex<[String]>([])
                let answer = try await host.complete(["model": "default", "messages": []]) { piece in
                    pieces.withLock { $0.append(piece["text"]?.string ?? "?") }
                }
                try await turn.text("\(pieces.withLock { $0 }) \(answer["text"]?.string ?? "")")
            },
            Agent("configured") { turn in try await turn.text(configuration.value.withLock(\.text)) },
        ]
    }

    func configurationChanged(_ configuration: JSON) throws {
        guard configuration["bad"] == nil else { throw ToolError("bad is not allowed") }
        self.configuration.value.withLock { $0 = configuration }
    }
}

/// One call of each function that emits something.
private func everyKind(_ turn: Turn) async throws {
    try await turn.annotate(["type": "url", "title": "T", "url": "u"], index: 3, item: 1)
    try await turn.workflow(isReasoning: true, item: 2)
    try await turn.task(["title": "t"], index: 0, item: 2)
    try await turn.endWorkflow(summary: "s", icon: "check", item: 2)
    try await turn.endWorkflow(item: 3)
    try await turn.progress("p", icon: "bolt")
    try await turn.notice("n", level: .danger)
    try await turn.effect("e")
    try await turn.widget(["type": "Card"], copyText: "c", item: 4)
    try await turn.widgetText("d", to: "x", done: true, item: 4)
    try await turn.image(item: 5)
    try await turn.image(url: "u", progress: 0.5, item: 5)
    try await turn.callClient("f", ["a": nil])
    try await turn.ask([["id": "q", "question": "?"]])
    try await turn.changeThread(["title": "T"])
    try await turn.hide([1])
    try await turn.put(["type": "end_of_turn"], item: 6)
    try await turn.replace(id: "msg_1", with: ["type": "end_of_turn"])
    try await turn.remove(item: 6)
    try await turn.endOfTurn()
    try await turn.allowCancel(false)
    try await turn.fail("no", code: "quota", allowRetry: true)
}
