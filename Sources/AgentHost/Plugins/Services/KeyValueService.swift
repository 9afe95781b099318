/// `ap.host.kv/1`: keys and values that outlive the plugin (`service.h`, abi.md A8).
struct KeyValueService: HostService {
    static let keyLimit = 512
    static let valueLimit = 1 << 20
    /// Keys of one request.
    static let entryLimit = 1_000

    let store: any Store

    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable {
        ServiceTask(reply) { () async throws(ServiceFailure) in
            let arguments = try call.arguments()
            switch call.op {
            case "get": return try await get(arguments, in: try space(arguments, call))
            case "list": return try await list(arguments, in: try space(arguments, call))
            case "write": return try await write(arguments, in: try space(arguments, call))
            default: throw .unknownOperation(call.op)
            }
        }
    }

    /// Whose keys are meant: the JSON names the kind, the turn or call says which user and thread.
    private func space(_ arguments: JSON, _ call: ServiceCall) throws(ServiceFailure) -> KeySpace {
        guard let name = arguments["scope"]?.string, let scope = Manifest.KeyScope(rawValue: name) else {
            throw ServiceFailure(.invalid, "scope must be \"plugin\", \"user\" or \"thread\"")
        }
        guard call.manifest.permissions.kv.contains(scope) else {
            throw ServiceFailure(.denied, "permissions.kv of the manifest does not list \"\(name)\"")
        }
        switch scope {
        case .plugin: return KeySpace(plugin: call.manifest.id, scope: .plugin)
        case .user:
            guard let owner = call.scope?.owner else {
                throw ServiceFailure(.denied, "the handle has no user; ask with the handle of a turn or a tool call")
            }
            return KeySpace(plugin: call.manifest.id, scope: .user(owner))
        case .thread:
            guard let thread = call.scope?.threadID, !thread.isEmpty else {
                throw ServiceFailure(.denied, "the handle has no thread; ask with the handle of a turn")
            }
            return KeySpace(plugin: call.manifest.id, scope: .thread(thread))
        }
    }

    private func get(_ arguments: JSON, in space: KeySpace) async throws(ServiceFailure) -> JSON {
        let keys = try elements(arguments, "keys").map { value throws(ServiceFailure) in try key(value, "keys") }
        guard !keys.isEmpty else { throw ServiceFailure(.invalid, "keys must name at least one key") }
        let found: [KeyValueEntry]
        do { found = try await store.values(keys, in: space) } catch { throw failure(error) }
        return ["entries": try entries(found)]
    }

    private func list(_ arguments: JSON, in space: KeySpace) async throws(ServiceFailure) -> JSON {
        let prefix = arguments["prefix"]?.string ?? ""
        let after = arguments["after"]?.string
        let limit = Int(arguments["limit"]?.int ?? 100)
        guard (1...KeyValueService.entryLimit).contains(limit) else {
            throw ServiceFailure(.invalid, "limit must be from 1 to \(KeyValueService.entryLimit)")
        }
        let found: [KeyValueEntry]
        do { found = try await store.list(prefix: prefix, after: after, limit: limit + 1, in: space) } catch {
            throw failure(error)
        }
        var answer = JSONObject(members: [("entries", try entries(found.prefix(limit)))])
        if found.count > limit { answer["after"] = .string(found[limit - 1].key) }
        return .object(answer)
    }

    private func write(_ arguments: JSON, in space: KeySpace) async throws(ServiceFailure) -> JSON {
        var write = KeyValueWrite()
        for condition in try elements(arguments, "if") {
            let version = condition["version"] ?? .null
            guard version.isNull || version.string != nil else {
                throw ServiceFailure(.invalid, "if[].version must be a string or null")
            }
            write.conditions.append((try key(condition["key"], "if[].key"), version.string))
        }
        for put in try elements(arguments, "put") {
            guard let value = put["value"] else { throw ServiceFailure(.invalid, "put[].value is missing") }
            let bytes = value.encoded
            guard bytes.count <= KeyValueService.valueLimit else {
                throw ServiceFailure(.limit, "a value is larger than \(KeyValueService.valueLimit) bytes")
            }
            write.puts.append((try key(put["key"], "put[].key"), bytes))
        }
        for value in try elements(arguments, "delete") { write.deletes.append(try key(value, "delete")) }
        let versions: [String: String]
        do { versions = try await store.write(write, in: space) } catch { throw failure(error) }
        let members = versions.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON.string($0.value)) }
        return ["versions": .object(JSONObject(members: members))]
    }

    // MARK: Shapes

    private func elements(_ arguments: JSON, _ member: String) throws(ServiceFailure) -> [JSON] {
        guard let value = arguments[member], !value.isNull else { return [] }
        guard let elements = value.array else { throw ServiceFailure(.invalid, "\(member) must be an array") }
        guard elements.count <= KeyValueService.entryLimit else {
            throw ServiceFailure(.limit, "\(member) names more than \(KeyValueService.entryLimit) keys")
        }
        return elements
    }

    private func key(_ value: JSON?, _ path: String) throws(ServiceFailure) -> String {
        guard let key = value?.string, (1...KeyValueService.keyLimit).contains(key.utf8.count) else {
            throw ServiceFailure(.invalid, "\(path) must be a string of 1 to \(KeyValueService.keyLimit) bytes")
        }
        return key
    }

    private func entries(_ entries: some Sequence<KeyValueEntry>) throws(ServiceFailure) -> JSON {
        var elements: [JSON] = []
        var size = 0
        for entry in entries {
            size += entry.value.count
            guard size <= ServiceReply.limit else {
                throw ServiceFailure(
                    .limit, "the values are larger than \(ServiceReply.limit) bytes; ask for fewer keys")
            }
            guard let value = try? JSON.parse(entry.value) else {
                throw ServiceFailure(.failed, "the stored value of \"\(entry.key)\" is damaged")
            }
            elements.append(["key": .string(entry.key), "value": value, "version": .string(entry.version)])
        }
        return .array(elements)
    }

    private func failure(_ error: StoreError) -> ServiceFailure {
        switch error {
        case .conflict: ServiceFailure(.conflict, "somebody else changed a key first; read it again and retry")
        case .closed: ServiceFailure(.unavailable, "the host is shutting down")
        case .busy: ServiceFailure(.unavailable, "the store is busy; try again")
        default: ServiceFailure(.failed, "the store failed")
        }
    }
}
