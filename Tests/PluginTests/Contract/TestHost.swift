import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// A plugin host over a folder with copies of chosen fixtures.
final class TestHost: Sendable {
    let registry = Registry()
    let store = MemoryStore()
    let host: PluginHost
    let reports: [PluginReport]
    private let folder: TemporaryFolder
    var cache: String { "\(folder.path)/cache" }

    static let echo = "EchoC.agentplugin"
    static let tools = "ToolsC.agentplugin"
    static let echoID = "dev.agenthost.fixture.echo-c"
    static let toolsID = "dev.agenthost.fixture.tools-c"

    /// Copies `fixtures` (names in the built folder) and loads them; `first` before all others. `extra` is added to what their
    /// manifests require.
    init(
        _ fixtures: [String], _ mode: PluginMode, config: [String: String] = [:],
        timeouts: PluginTimeouts = PluginTimeouts(create: 10_000, grace: 300, drain: 300, destroy: 5_000),
        recovery: PluginRecovery = PluginRecovery(), requiring extra: String? = nil, good first: String? = nil,
        worker: String = "plugin-worker", limits: String? = nil,
        log: Logger = TestHost.log
    ) async throws {
        let built = try Fixtures.built()
        folder = TemporaryFolder()
        let plugins = try folder.makeFolder("plugins")
        let others = try folder.makeFolder("others")
        for fixture in fixtures {
            let name = fixture.split(separator: "/").last.map(String.init) ?? fixture
            let target = first == nil || fixture == first ? plugins : others
            try FileManager.default.copyItem(atPath: "\(built.plugins)/\(fixture)", toPath: "\(target)/\(name)")
            guard let extra else { continue }
            let path = "\(target)/\(name)/plugin.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try text.replacingOccurrences(of: "\"requires\": [", with: "\"requires\": [\"\(extra)\", ")
                .write(toFile: path, atomically: true, encoding: .utf8)
        }
        let configs = try folder.makeFolder("config")
        for (id, text) in config { try folder.write("config/\(id).json", Array(text.utf8)) }
        if let limits { try folder.write("limits.json", Array(limits.utf8)) }
        let configuration = PluginHostConfiguration(
            folders: [plugins, others], cacheFolder: "\(folder.path)/cache", workerPath: "\(built.folder)/\(worker)",
            trusted: mode == .inProcess ? .all : .only([]), configFolder: configs, timeouts: timeouts,
            recovery: recovery, limitsFile: limits == nil ? nil : "\(folder.path)/limits.json")
        host = try PluginHost(
            configuration: configuration, registry: registry, store: store,
            dispatcher: DirectDispatcher(registry: registry), log: log)
        reports = try await host.loadAll()
    }

    /// Lines of the host, for somebody who looks for a mistake.
    static let log: Logger =
        ProcessInfo.processInfo.environment["PLUGIN_TEST_LOG"] == nil ? .silent : Logger(level: .debug)

    /// The sentence with which a file was refused; nil when it was loaded or is not there.
    func refusal(_ file: String) -> String? {
        guard case .refused(let sentence)? = reports.first(where: { $0.file == file })?.state else { return nil }
        return sentence
    }

    // MARK: Turns, calls, completions

    /// Begins a turn of the echo agent with `text`. `deadline`: milliseconds from now.
    func turn(
        _ text: String, owner: String = "h:me", deadline: Int64 = 30_000, meter: WorkMeter? = nil
    ) throws -> RunningTurn {
        let agent = try #require(registry.agent("echo-c"))
        let provider = try #require(agent.provider)
        let item: JSON = ["type": "user_message", "content": [["type": "input_text", "text": .string(text)]]]
        let request = AgentTurnRequest(
            agentID: "echo-c", threadID: "thr_1", owner: OwnerKey(owner), kind: .userMessage, input: [JSONText(item)],
            context: ["locale": "en"], meter: meter, deadline: monotonicMilliseconds() + deadline)
        let recorder = TurnRecorder()
        let turn = provider.begin(request, output: recorder)
        recorder.readBy(turn)
        return RunningTurn(turn: turn, recorder: recorder)
    }

    /// The text of a whole turn.
    func say(_ text: String, owner: String = "h:me") async throws -> String {
        let turn = try turn(text, owner: owner)
        try await turn.recorder.result().get()
        return turn.recorder.text
    }

    func call(
        _ tool: String, _ arguments: JSON = [:], owner: String = "h:me", deadline: Int64 = 30_000
    ) throws -> RunningCall {
        let found = try #require(
            registry.tools.first { $0.descriptor.plugin == TestHost.toolsID && $0.descriptor.name == tool })
        let request = ToolCallRequest(
            tool: found.descriptor, arguments: arguments,
            caller: ToolCaller(owner: OwnerKey(owner), threadID: "thr_1", agentID: "tools-c", locale: "en"),
            deadline: monotonicMilliseconds() + deadline)
        let progress = Collected<JSON>()
        let outcome = Answer<ToolOutcome>()
        let handle = found.provider.call(request, progress: { progress.add($0) }, completion: { outcome.set($0) })
        return RunningCall(handle: handle, progress: progress, outcome: outcome)
    }

    /// What the model of ToolsC says to one message.
    func complete(_ text: String) async throws -> ([ModelDelta], Result<ModelEnd, ProviderFailure>) {
        let model = try #require(registry.model(plugin: TestHost.toolsID, id: "rules-c"))
        let request = ModelRequest(
            model: "rules-c", messages: [["role": "user", "content": .string(text)]], tools: [],
            deadline: monotonicMilliseconds() + 30_000)
        let deltas = Collected<ModelDelta>()
        let end = Answer<Result<ModelEnd, ProviderFailure>>()
        _ = model.provider.complete(request, delta: { deltas.add($0) }, completion: { end.set($0) })
        return (deltas.all, await end.value())
    }
}

struct RunningTurn: Sendable {
    var turn: any AgentTurn
    var recorder: TurnRecorder
}

struct RunningCall: Sendable {
    var handle: any Cancellable
    var progress: Collected<JSON>
    var outcome: Answer<ToolOutcome>
}

/// Calls tools of the registry without checks.
private struct DirectDispatcher: ToolDispatching {
    func bound(to directory: any ToolDirectory) -> any ToolDispatching { self }
    let registry: Registry

    func dispatch(
        tool exposedName: String, arguments: JSON, caller: ToolCaller, deadline: Int64,
        progress: @escaping @Sendable (JSON) -> Void, completion: @escaping @Sendable (ToolOutcome) -> Void
    ) -> any Cancellable {
        guard let tool = registry.tool(exposedName) else {
            completion(.broken(.unavailable))
            return NotCancellable()
        }
        let request = ToolCallRequest(
            tool: tool.descriptor, arguments: arguments, caller: caller, deadline: deadline)
        return tool.provider.call(request, progress: progress, completion: completion)
    }
}

/// Things in the order in which they came.
final class Collected<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])
    func add(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
}

/// One value that comes later; a second one is a mistake.
final class Answer<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [CheckedContinuation<Value, Never>] = []
    }
    private let state = Mutex(State())

    func set(_ value: Value) {
        let (waiters, isFirst) = state.withLock { state in
            let isFirst = state.value == nil
            state.value = state.value ?? value
            defer { state.waiters = [] }
            return (state.waiters, isFirst)
        }
        if !isFirst { Issue.record("ended twice") }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    var isSet: Bool { state.withLock { $0.value != nil } }

    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let value = state.withLock { state in
                if state.value == nil { state.waiters.append(continuation) }
                return state.value
            }
            if let value { continuation.resume(returning: value) }
        }
    }
}

/// Records what a turn says, and reads as fast as it comes.
final class TurnRecorder: AgentOutput {
    private struct State {
        var text = ""
        var deltas = 0
        var emitted: [String] = []
        var itemsDone: [UInt32] = []
        var reader: (any AgentTurn)?
        /// Bytes nobody was told to have read yet.
        var unread = 0
    }
    private let state = Mutex(State())
    private let end = Answer<Result<Void, ProviderFailure>>()
    private let firstText = Answer<Bool>()

    func readBy(_ turn: any AgentTurn) {
        let unread = state.withLock { state in
            state.reader = turn
            defer { state.unread = 0 }
            return state.unread
        }
        turn.consumed(unread)
    }

    func text(item: UInt32, _ deltas: ChatKit.TextDeltas) {
        let bytes = deltas.bytes.count
        let (reader, isFirst) = state.withLock { state -> ((any AgentTurn)?, Bool) in
            defer { state.deltas += deltas.count }
            state.text += deltas.text
            if state.reader == nil { state.unread += bytes }
            return (state.reader, state.deltas == 0)
        }
        if isFirst { firstText.set(true) }
        reader?.consumed(bytes)
    }
    func emit(item: UInt32, kind: String, json: [UInt8]) {
        state.withLock { $0.emitted.append("\(kind) \(String(decoding: json, as: UTF8.self))") }
    }
    func itemDone(_ item: UInt32) { state.withLock { $0.itemsDone.append(item) } }
    func finish(_ result: Result<Void, ProviderFailure>) { end.set(result) }

    var text: String { state.withLock { $0.text } }
    var deltas: Int { state.withLock { $0.deltas } }
    var emitted: [String] { state.withLock { $0.emitted } }
    var itemsDone: [UInt32] { state.withLock { $0.itemsDone } }

    func result() async -> Result<Void, ProviderFailure> { await end.value() }
    /// Returns when the first text has come.
    func hasBegun() async { _ = await firstText.value() }

    /// Why the turn failed; nil when it did not.
    func failure() async -> ProviderFailure? {
        if case .failure(let failure) = await result() { failure } else { nil }
    }
}
