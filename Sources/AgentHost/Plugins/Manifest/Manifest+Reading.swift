extension Manifest {
    /// Reads the bytes of a `plugin.json`. Throws with a sentence that names the first member that is wrong.
    init(parsing bytes: [UInt8]) throws(ManifestError) {
        guard bytes.count <= Manifest.limit else {
            throw ManifestError(sentence: "plugin.json is larger than \(Manifest.limit) bytes")
        }
        let json: JSON
        do { json = try JSON.parse(bytes, maximumDepth: 64) } catch {
            throw ManifestError(sentence: "plugin.json is not JSON: \(error.sentence)")
        }
        try self.init(ManifestObject(json, at: ""))
    }

    private init(_ object: ManifestObject) throws(ManifestError) {
        let abi = try object.integer("abi", 1...Int64.max)
        guard abi == 1 else {
            throw ManifestError(sentence: "abi is \(abi), this host speaks 1")
        }
        id = try object.text("id", .pluginID)
        name = try object.text("name", .name)
        version = try object.text("version", .version)
        library = try object.optionalText("library", .fileName)
        requires = try object.texts("requires", .extensionID)
        uses = try object.texts("uses", .extensionID)
        if let permissions = try object.object("permissions") { self.permissions = try Permissions(permissions) }
        agents = try object.objects("agents").map { object throws(ManifestError) in try Agent(object) }
        tools = try object.objects("tools").map { object throws(ManifestError) in try Tool(object) }
        models = try object.objects("models").map { object throws(ManifestError) in
            Model(id: try object.text("id", .modelID), mode: try object.choice("mode", .event))
        }
        configSchema = try object.schema("config_schema")
        isSerial = try object.flag("serial")
        drainSeconds = try object.optionalInteger("drain_seconds", 0...3_600) ?? 10
        try checkUnique("agents", agents.map(\.id))
        try checkUnique("tools", tools.map(\.name))
        try checkUnique("models", models.map(\.id))
        try checkReferences()
        try checkFunctions()
    }

    /// Where tools are functions of other libraries there is no code of the plugin's own; what the adapter needs of the host is granted.
    private mutating func checkFunctions() throws(ManifestError) {
        guard callsFunctions else { return }
        guard library == nil else {
            throw ManifestError(sentence: "library and tools[].function exclude each other: leave out one of the two")
        }
        if let tool = tools.first(where: { !$0.callsFunction && !$0.runsInClient }) {
            throw ManifestError(
                sentence: "tool \"\(tool.name)\" has no function, and there is no library that could execute it")
        }
        guard models.isEmpty, agents.allSatisfy({ $0.kind == .declarative }) else {
            throw ManifestError(sentence: "coded agents and models need a library; functions are called by tools alone")
        }
        if !requires.contains("ap.host.call/1") { requires.append("ap.host.call/1") }
        if !uses.contains("ap.host.log/1") { uses.append("ap.host.log/1") }
    }

    private func checkUnique(_ member: String, _ names: [String]) throws(ManifestError) {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() where !seen.insert(name).inserted {
            throw ManifestError(sentence: "\(member)[\(index)] repeats the name \"\(name)\"; names must be unique")
        }
    }

    /// What an agent names of its own plugin must exist.
    private func checkReferences() throws(ManifestError) {
        for (index, agent) in agents.enumerated() {
            if let offline = agent.offlineModel, !models.contains(where: { $0.id == offline }) {
                throw ManifestError(
                    sentence: "agents[\(index)].offline_model \"\(offline)\" is none of the plugin's models")
            }
            for tool in agent.tools where !tool.contains("/") && !tool.contains("*") {
                guard tools.contains(where: { $0.name == tool }) else {
                    throw ManifestError(
                        sentence: "agents[\(index)].tools names \"\(tool)\", which is none of the plugin's tools; "
                            + "write tools of another plugin as \"plugin-id/tool\"")
                }
            }
        }
    }
}

extension Manifest.Permissions {
    fileprivate init(_ object: ManifestObject) throws(ManifestError) {
        for scope in try object.texts("kv", .any) {
            guard let known = Manifest.KeyScope(rawValue: scope) else {
                throw ManifestError(
                    sentence: "permissions.kv holds \"\(scope)\", which is none of plugin, user, thread")
            }
            kv.insert(known)
        }
        http = try object.texts("http", .any)
        memoryMegabytes = try object.optionalInteger("memory_mb", 1...1_048_576)
        threads = try object.optionalInteger("threads", 1...4_096)
    }
}

extension Manifest.Agent {
    fileprivate init(_ object: ManifestObject) throws(ManifestError) {
        id = try object.text("id", .agentID)
        kind = try object.choice("kind", nil)
        mode = try object.choice("mode", .event)
        title = try object.optionalText("title", .any) ?? id
        instructions = try object.optionalText("instructions", .any) ?? ""
        model = try object.optionalText("model", .modelID) ?? "default"
        offlineModel = try object.optionalText("offline_model", .modelID)
        description = try object.optionalText("description", .any) ?? ""
        let grants = try object.texts("tools", .grant)
        tools = grants.filter { !$0.hasPrefix(Manifest.Agent.agentGrant) }
        agents = grants.filter { $0.hasPrefix(Manifest.Agent.agentGrant) }
            .map { String($0.dropFirst(Manifest.Agent.agentGrant.count)) }
        handoffs = try object.texts("handoffs", .agentID)
        maxSteps = Int(try object.optionalInteger("max_steps", 1...1_000) ?? 16)
        accepts = try Set(
            object.texts("accepts", .any).map { word throws(ManifestError) in
                guard let kind = AgentTurnRequest.Kind(rawValue: word), Manifest.Agent.acceptable.contains(kind) else {
                    throw ManifestError(
                        sentence: "agents[].accepts holds \"\(word)\", which is none of action, sync_action, feedback, "
                            + "transcription")
                }
                return kind
            })
        hooks = try Set(
            object.texts("hooks", .any).map { word throws(ManifestError) in
                guard let point = HookPoint(rawValue: word) else {
                    let known = HookPoint.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ManifestError(sentence: "agents[].hooks holds \"\(word)\", which is none of \(known)")
                }
                return point
            })
        try checkOthers()
        if !accepts.isEmpty, kind == .declarative {
            throw ManifestError(sentence: "agents[].accepts is for coded agents; leave it out of declarative ones")
        }
    }

    /// Agents are granted like tools, of a plugin that cannot be: its id has no dot.
    private static let agentGrant = "agent/"

    /// Agents that this one names.
    private func checkOthers() throws(ManifestError) {
        if kind == .coded, !agents.isEmpty || !handoffs.isEmpty {
            throw ManifestError(
                sentence: "agent \"\(id)\" is coded: handoffs and tools like \"agent/<id>\" are for declarative agents")
        }
        if kind == .coded, !hooks.isEmpty {
            throw ManifestError(sentence: "agents[].hooks is for declarative agents; \"\(id)\" is coded")
        }
        for other in agents where other.isEmpty || other.contains(where: { $0 == "*" || $0 == "/" }) {
            throw ManifestError(
                sentence: "agents[].tools holds \"agent/\(other)\"; it must name one agent, without *")
        }
        for (member, others) in [("tools", agents), ("handoffs", handoffs)] {
            guard Set(others).count == others.count, !others.contains(id) else {
                throw ManifestError(
                    sentence: "agent \"\(id)\" names itself, or another agent twice, in its \(member)")
            }
        }
    }

    private static let acceptable: Set<AgentTurnRequest.Kind> = [.action, .syncAction, .feedback, .transcription]
}

extension Manifest.Tool {
    fileprivate init(_ object: ManifestObject) throws(ManifestError) {
        name = try object.text("name", .name)
        title = try object.optionalText("title", .any) ?? name
        description = try object.optionalText("description", .any) ?? ""
        callsFunction = try object.object("function") != nil
        inputSchema = try object.argumentsSchema("input_schema") ?? ["type": "object"]
        outputSchema = try object.schema("output_schema")
        let word: ToolMode = try object.choice("mode", .event)
        mode = word == .blocking ? .blocking : .event
        runsInClient = word == .client
        timeout = try object.optionalInteger("timeout_ms", 1...86_400_000) ?? 30_000
        isReadOnly = try object.flag("read_only")
        isIdempotent = try object.flag("idempotent")
        isDestructive = try object.flag("destructive")
        needsApproval = try object.flag("needs_approval")
    }
}

/// What `mode` of a tool may say.
private enum ToolMode: String, CaseIterableWords {
    case event, blocking, client
    static var words: String { "\"event\", \"blocking\", \"client\"" }
}
