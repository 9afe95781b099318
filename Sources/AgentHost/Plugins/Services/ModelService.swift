private import Synchronization

/// `ap.host.model/1`: completions by a model of the same plugin or by the host's default one (`service.h`).
struct ModelService: HostService {
    /// Under this plugin id and model id the host registers the language model it was configured with.
    static let defaultModel = (plugin: "host", id: "default")
    /// Bytes of a request (abi.md 4.7).
    static let requestLimit = 4 << 20
    /// Milliseconds a completion may take that is made outside of any turn or call.
    static let timeout: Int64 = 300_000

    let registry: Registry

    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable {
        do throws(ServiceFailure) {
            guard call.op == "complete" else { throw ServiceFailure.unknownOperation(call.op) }
            return try complete(call, reply)
        } catch {
            reply.end(error)
            return NotCancellable()
        }
    }

    private func complete(_ call: ServiceCall, _ reply: ServiceReply) throws(ServiceFailure) -> any Cancellable {
        guard call.json.count <= ModelService.requestLimit else {
            throw ServiceFailure(.limit, "the request is larger than \(ModelService.requestLimit) bytes")
        }
        let json = try call.arguments()
        guard let messages = json["messages"]?.array, !messages.isEmpty else {
            throw ServiceFailure(.invalid, "messages must be an array that is not empty")
        }
        guard let tools = (json["tools"] ?? []).array else { throw ServiceFailure(.invalid, "tools must be an array") }
        let model = try find(json["model"]?.string ?? "default", call)
        let scope = call.scope?.deadline ?? 0
        let request = ModelRequest(
            model: model.id, messages: messages, tools: tools, toolChoice: json["tool_choice"],
            settings: json["settings"] ?? [:],
            deadline: scope > 0 ? scope : monotonicMilliseconds() + ModelService.timeout, meter: call.scope?.meter)
        let shared = Shared()
        return model.provider.complete(
            request,
            delta: { delta in
                shared.answer.withLock { $0.add(delta) }
                reply.data(delta.json)
            },
            completion: { result in
                switch result {
                case .success(let end): reply.end(shared.answer.withLock { $0.response(end) })
                case .failure(let failure): reply.end(failure)
                }
            })
    }

    /// "default" is the host's model, else the plugin's first one.
    private func find(_ id: String, _ call: ServiceCall) throws(ServiceFailure) -> Registry.Model {
        let manifest = call.manifest
        // A generation of a plugin is answered by its own models.
        let lineup = Lineup(registry: registry, threadID: call.scope?.threadID ?? "", own: call.generation)
        if id == "default" {
            let configured = lineup.model(plugin: ModelService.defaultModel.plugin, id: ModelService.defaultModel.id)
            if let configured { return configured }
            if let own = manifest.models.first, let model = lineup.model(plugin: manifest.id, id: own.id) {
                return model
            }
            throw ServiceFailure(.unavailable, "no model is configured")
        }
        guard let model = lineup.model(plugin: manifest.id, id: id) else {
            throw ServiceFailure(.notFound, "the plugin has no model \"\(id.prefix(128))\"")
        }
        return model
    }

    /// What is put together, between the thread of one delta and the next.
    private final class Shared: Sendable {
        let answer = Mutex(CompletionText())
    }
}

/// What a model has said so far, put together.
struct CompletionText: Sendable {
    private var text = ""
    private var calls: [Int: (id: String, name: String, arguments: String)] = [:]

    mutating func add(_ delta: ModelDelta) {
        switch delta {
        case .text(let piece): text += piece
        case .reasoning: break
        case .toolCall(let index, let id, let name, let arguments):
            var call = calls[index] ?? ("", "", "")
            call.id = id ?? call.id
            call.name = name ?? call.name
            call.arguments += arguments
            calls[index] = call
        }
    }

    /// `{"text", "tool_calls", "finish_reason", "usage"?}` (`service.h`).
    func response(_ end: ModelEnd) -> JSON {
        let toolCalls = calls.sorted { $0.key < $1.key }.map { _, call -> JSON in
            ["id": .string(call.id), "name": .string(call.name), "arguments": .string(call.arguments)]
        }
        var answer = JSONObject(members: [
            ("text", .string(text)), ("tool_calls", .array(toolCalls)), ("finish_reason", .string(end.finishReason)),
        ])
        if let prompt = end.promptTokens, let completion = end.completionTokens {
            answer["usage"] = ["prompt_tokens": .int(prompt), "completion_tokens": .int(completion)]
        }
        return .object(answer)
    }
}

extension ModelDelta {
    /// The object of a model's progress (`model.h`).
    fileprivate var json: JSON {
        switch self {
        case .text(let text): return ["text": .string(text)]
        case .reasoning(let text): return ["reasoning": .string(text)]
        case .toolCall(let index, let id, let name, let arguments):
            var call = JSONObject(members: [("index", .int(Int64(index)))])
            if let id { call["id"] = .string(id) }
            if let name { call["name"] = .string(name) }
            call["arguments"] = .string(arguments)
            return ["tool_call": .object(call)]
        }
    }
}
