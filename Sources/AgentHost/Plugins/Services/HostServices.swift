internal import PluginABI

/// Everything a plugin can ask of the host, by extension id.
struct HostServices: Sendable {
    /// What the plugin's runtime answers by itself.
    private static let local: Set<String> = [AP_HOST_LOG, AP_HOST_TURN, AP_HOST_CALL, AP_HOST_EXEC, AP_HOST_CONFIG]
    private let services: [String: any HostService]

    init(store: any Store, registry: Registry, dispatcher: any ToolDispatching, http: HTTPClient) {
        services = [
            AP_HOST_KV: KeyValueService(store: store),
            AP_HOST_TOOLS: ToolsService(registry: registry, dispatcher: dispatcher),
            AP_HOST_MODEL: ModelService(registry: registry),
            AP_HOST_THREAD: ThreadService(store: store),
            AP_HOST_HTTP: HTTPService(client: http),
        ]
    }

    /// For a plugin that is loaded only to see whether it survives that: everything is there and answers "not now".
    static let unavailable = HostServices(
        services: [AP_HOST_KV, AP_HOST_TOOLS, AP_HOST_MODEL, AP_HOST_THREAD, AP_HOST_HTTP].reduce(into: [:]) {
            $0[$1] = UnavailableService()
        })

    private init(services: [String: any HostService]) { self.services = services }

    /// Whether this host has the extension.
    func offers(_ id: String) -> Bool { HostServices.local.contains(id) || services[id] != nil }

    /// The extensions that the plugin asks for and this host has, in order.
    func granted(to manifest: Manifest) -> [String] {
        var seen: Set<String> = []
        return (manifest.requires + manifest.uses).filter { offers($0) && seen.insert($0).inserted }
    }

    /// Starts a request of a plugin. Must not block.
    func start(
        _ request: PluginEvent.ServiceRequest, scope: WorkScope?, manifest: Manifest, generation: Generation?,
        _ reply: ServiceReply
    ) -> any Cancellable {
        guard let service = services[request.service] else {
            reply.end(ServiceFailure(.unsupported, "this host has no service \"\(request.service.prefix(64))\""))
            return NotCancellable()
        }
        guard manifest.requires.contains(request.service) || manifest.uses.contains(request.service) else {
            reply.end(
                ServiceFailure(.denied, "the manifest lists \(request.service) in neither requires nor uses"))
            return NotCancellable()
        }
        let call = ServiceCall(
            manifest: manifest, generation: generation, scope: scope, op: request.op, json: request.json,
            body: request.body)
        return service.start(call, reply)
    }
}

private struct UnavailableService: HostService {
    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable {
        reply.end(ServiceFailure(.unavailable, "the host is only checking the plugin"))
        return NotCancellable()
    }
}
