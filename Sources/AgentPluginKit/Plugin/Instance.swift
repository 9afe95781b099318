internal import PluginABI

/// One instance of the plugin: finds the handler, runs it in a task, and finishes its handle exactly once.
///
/// The functions are called on the host's lanes and return at once.
final class Instance: Sendable {
    private let plugin: any AgentPlugin
    private let host: Host
    private let tools: [String: Tool]
    private let models: [String: Model]
    private let agents: [String: Agent]
    private let work = OpenWork()
    private let turns = OpenTurns()

    /// - Throws: what the plugin's `init` throws.
    init(_ type: any AgentPlugin.Type, tables: HostTables, configuration: JSON) throws {
        let host = Host(tables: tables)
        let plugin = try type.init(host: host, configuration: configuration)
        self.host = host
        self.plugin = plugin
        tools = Dictionary(plugin.tools.map { ($0.name, $0) }) { first, _ in first }
        models = Dictionary(plugin.models.map { ($0.id, $0) }) { first, _ in first }
        agents = Dictionary(plugin.agents.map { ($0.id, $0) }) { first, _ in first }
    }

    var hasTools: Bool { !tools.isEmpty }
    var hasModels: Bool { !models.isEmpty }
    var hasAgents: Bool { !agents.isEmpty }
    var isReconfigurable: Bool { plugin is any ReconfigurablePlugin }

    func call(_ handle: ap_handle, _ request: ap_call_request_r1) -> ap_status {
        guard let tool = unsafe tools[request.tool.copy] else { return AP_E_NOT_FOUND }
        let context = unsafe CallContext(
            host: host, subject: request.subject.copy, threadID: request.thread_id.copy,
            agentID: request.agent_id.copy, locale: request.locale.copy, call: handle, deadline: request.deadline)
        let arguments = unsafe request.args_json.bytes
        run(call: handle) { try await tool.run(JSON.parse(arguments), context) }
        return AP_OK
    }

    func complete(_ handle: ap_handle, model id: String, request: [UInt8]) -> ap_status {
        guard let model = models[id] else { return AP_E_NOT_FOUND }
        let host = host
        run(call: handle) {
            let output = ModelOutput { try await host.accept(host.tables.progress(call: handle, $0.encoded)) }
            let reason = try await model.complete(ModelRequest(JSON.parse(request)), output)
            return ["finish_reason": .string(reason.rawValue)]
        }
        return AP_OK
    }

    func answer(_ handle: ap_handle, _ request: ap_turn_request_r1) -> ap_status {
        let id = unsafe request.agent_id.copy
        guard let agent = agents[id] else { return AP_E_NOT_FOUND }
        guard let input = unsafe try? JSON.parse(request.input_json.bytes), let items = input.array,
            let context = unsafe try? JSON.parse(request.context_json.bytes)
        else { return AP_E_INVALID }
        if unsafe request.kind.copy == "transcription" {
            guard let transcribe = agent.transcribe else { return AP_E_UNSUPPORTED }
            let speech = Speech(input: items.last ?? .null, context: context)
            // The host gave a call's handle for it.
            run(call: handle) { ["text": .string(try await transcribe(speech))] }
            return AP_OK
        }
        let turn = unsafe Turn(
            host: host, agentID: id, threadID: request.thread_id.copy, subject: request.subject.copy,
            kind: request.kind.copy, input: items, context: context, handle: handle, deadline: request.deadline,
            pace: turns.open(handle))
        work.start(handle, abandon: { [host] in host.tables.finish(turn: handle, AP_E_CANCELLED, "") }) {
            [host, turns] in
            var result = (status: AP_OK, text: "")
            do {
                try await agent.answer(turn)
            } catch {
                host.report(error)
                result = outcome(of: error)
            }
            turns.close(handle)
            host.tables.finish(turn: handle, result.status, result.text)
        }
        return AP_OK
    }

    /// The reader of a turn has caught up.
    func writable(_ turn: ap_handle) { turns[turn]?.catchUp() }

    /// Nobody waits for a call or turn any more.
    func cancel(_ handle: ap_handle) {
        work.cancel(handle)
        // Tasks that the agent made itself were not cancelled with it.
        turns[handle]?.end(CancellationError())
    }

    func reconfigure(_ configuration: [UInt8]) -> ap_status {
        guard let plugin = plugin as? any ReconfigurablePlugin else { return AP_E_UNSUPPORTED }
        do {
            try plugin.configurationChanged(JSON.parse(configuration))
            return AP_OK
        } catch {
            host.log(.error, "The new configuration was refused: \(error)")
            return AP_E_INVALID
        }
    }

    /// Ends all work and closes the way to the host. Blocks; [control] only, once.
    func shutDown() {
        if !work.end(withinSeconds: 5) { host.log(.error, "Handlers ignore that they were cancelled.") }
        let (plugin, done) = (plugin, Semaphore())
        Task.detached(executorPreference: PluginExecutor.shared) {
            await plugin.shutdown()
            done.signal()
        }
        if !done.wait(seconds: 4) { host.log(.error, "shutdown() takes too long.") }
        host.tables.gate.close()
    }

    private func run(call handle: ap_handle, _ body: @escaping @Sendable () async throws -> JSON) {
        work.start(handle, abandon: { [host] in host.tables.finish(call: handle, AP_E_CANCELLED, []) }) { [host] in
            do {
                let result = try await body()
                host.tables.finish(call: handle, AP_OK, result.encoded)
            } catch {
                host.report(error)
                let (status, text) = outcome(of: error)
                host.tables.finish(call: handle, status, Array(text.utf8))
            }
        }
    }
}
