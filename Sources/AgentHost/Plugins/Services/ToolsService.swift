/// `ap.host.tools/1`: lists and calls tools, its own and those granted to the plugin's agents (`service.h`).
struct ToolsService: HostService {
    let registry: Registry
    let dispatcher: any ToolDispatching
    /// Milliseconds a call may take that is made outside of any turn or call.
    static let timeout: Int64 = 30_000

    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable {
        switch call.op {
        case "list":
            return ServiceTask(reply) { () async throws(ServiceFailure) in
                ["tools": .array(granted(call, lineup(call)).map { ToolsService.describe($0.descriptor) })]
            }
        case "call":
            do throws(ServiceFailure) { return try dispatch(call, reply) } catch { reply.end(error) }
        default: reply.end(.unknownOperation(call.op))
        }
        return NotCancellable()
    }

    /// A generation of a plugin sees its own tools, not those of the one that replaces it.
    private func lineup(_ call: ServiceCall) -> Lineup {
        Lineup(registry: registry, threadID: call.scope?.threadID ?? "", own: call.generation)
    }

    /// A plugin may call its own tools and what the manifest grants to its agents.
    private func granted(_ call: ServiceCall, _ lineup: Lineup) -> [Registry.Tool] {
        lineup.tools(grantedTo: ["*"] + call.manifest.agents.flatMap(\.tools), of: call.manifest.id)
    }

    private static func describe(_ tool: ToolDescriptor) -> JSON {
        [
            "name": .string(tool.exposedName), "title": .string(tool.title), "description": .string(tool.description),
            "input_schema": tool.inputSchema,
        ]
    }

    /// The tool that the plugin means: by the name that `list` gives, or one of its own by the name in its manifest, which may have
    /// got a prefix because another plugin had it first.
    private func tool(
        _ name: String, _ call: ServiceCall, _ lineup: Lineup
    ) throws(ServiceFailure) -> ToolDescriptor {
        let granted = granted(call, lineup).map(\.descriptor)
        let named = granted.first { $0.exposedName == name }
        if let tool = named ?? granted.first(where: { $0.plugin == call.manifest.id && $0.name == name }) {
            return tool
        }
        guard registry.tool(name) != nil else { throw ServiceFailure(.notFound, "there is no tool \"\(name)\"") }
        throw ServiceFailure(
            .denied, "tool \"\(name)\" is not granted to this plugin; list it in tools of an agent of its manifest")
    }

    private func dispatch(_ call: ServiceCall, _ reply: ServiceReply) throws(ServiceFailure) -> any Cancellable {
        let json = try call.arguments()
        guard let name = json["name"]?.string else { throw ServiceFailure(.invalid, "name must be a string") }
        let arguments = json["arguments"] ?? [:]
        guard arguments.object != nil else { throw ServiceFailure(.invalid, "arguments must be an object") }
        guard let scope = call.scope, let owner = scope.owner else {
            throw ServiceFailure(.denied, "the handle has no user; call tools with the handle of a turn or a tool call")
        }
        let lineup = lineup(call)
        let tool = try tool(name, call, lineup)
        let latest = monotonicMilliseconds() + ToolsService.timeout
        return dispatcher.bound(to: lineup).dispatch(
            tool: tool.exposedName, arguments: arguments,
            caller: ToolCaller(
                owner: owner, threadID: scope.threadID, requestID: scope.requestID, agentID: scope.agentID,
                locale: scope.locale, meter: scope.meter),
            deadline: scope.deadline > 0 ? scope.deadline : latest,
            progress: { reply.progress($0) },
            completion: { outcome in
                switch outcome {
                case .success(let result): reply.end(result)
                case .failure(let words): reply.end(ServiceFailure(.failed, words))
                case .broken(let failure): reply.end(failure)
                }
            })
    }
}
