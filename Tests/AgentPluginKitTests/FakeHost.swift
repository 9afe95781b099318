import Dispatch
import PluginABI
import Synchronization

@testable import AgentPluginKit

/// A host that does just enough: key-value pairs in memory, timers, and calls that can be awaited.
///
/// The tables it lends live as long as the process.
final class FakeHost: Sendable {
    struct Answer: Sendable {
        var status: ap_status = 0
        var text = ""
        var progress: [JSON] = []
        var finishes = 0
        var json: JSON { (try? JSON.parse(text)) ?? .null }
    }
    struct State {
        var subjects: [ap_handle: String] = [:]
        var answers: [ap_handle: Answer] = [:]
        var waiting: [ap_handle: CheckedContinuation<Answer, Never>] = [:]
        var store: [String: (value: JSON, version: Int)] = [:]
        var timers: [ap_handle: Timer] = [:]
        var lastHandle: ap_handle = 0
        var conflicts = 0
        var turns: [ap_handle: TurnLog] = [:]
        /// Answers every text with AP_W_SLOW, after it called this on another thread.
        var whenSlow: (@Sendable (ap_handle) -> Void)?
    }
    struct Timer: @unchecked Sendable {
        let fn: ap_event_fn
        let user: UnsafeMutableRawPointer?
    }
    let state = Mutex(State())
    static let lane = DispatchQueue(label: "lane")
    nonisolated(unsafe) let table: UnsafeMutablePointer<ap_host_r1>

    init() {
        table = .allocate(capacity: 1)
        table.initialize(
            to: ap_host_r1(
                struct_size: 40, abi_draft: UInt32(AP_ABI_DRAFT), name: FakeHost.text("Fake"),
                version: FakeHost.text("0"), host_data: nil,
                get_extension: { _, id in FakeHost.extensions[String(cString: id)].map { UnsafeRawPointer($0) } }))
        table.pointee.host_data = Unmanaged.passRetained(self).toOpaque()
    }

    static func of(_ host: UnsafePointer<ap_host_r1>) -> FakeHost {
        guard let data = host.pointee.host_data else { preconditionFailure("the host was not made by this class") }
        return Unmanaged<FakeHost>.fromOpaque(data).takeUnretainedValue()
    }

    func newHandle(subject: String = "") -> ap_handle {
        state.withLock {
            $0.lastHandle += 1
            $0.subjects[$0.lastHandle] = subject
            return $0.lastHandle
        }
    }

    /// Waits until the call was finished.
    func answer(_ call: ap_handle) async -> Answer {
        await withCheckedContinuation { continuation in
            let done = state.withLock { state -> Answer? in
                if let answer = state.answers[call], answer.finishes > 0 { return answer }
                state.waiting[call] = continuation
                return nil
            }
            if let done { continuation.resume(returning: done) }
        }
    }

    private func finish(_ call: ap_handle, _ status: ap_status, _ text: String) -> ap_status {
        let (waiting, answer) = state.withLock { state in
            var answer = state.answers[call] ?? Answer()
            answer.status = status
            answer.text = text
            answer.finishes += 1
            state.answers[call] = answer
            return (state.waiting.removeValue(forKey: call), answer)
        }
        waiting?.resume(returning: answer)
        return answer.finishes > 1 ? AP_E_GONE : AP_OK
    }

    func end(_ timer: Timer, _ handle: ap_handle, _ status: ap_status, _ text: String) {
        lend(text) { timer.fn(timer.user, handle, AP_EV_END, status, $0) }
    }

    private func after(_ ms: Int64, _ timer: Timer) -> ap_handle {
        let handle = newHandle()
        state.withLock { $0.timers[handle] = timer }
        FakeHost.lane.asyncAfter(deadline: .now() + .milliseconds(Int(ms))) { self.endTimer(handle, AP_OK) }
        return handle
    }

    private func endTimer(_ handle: ap_handle, _ status: ap_status) {
        guard let timer = state.withLock({ $0.timers.removeValue(forKey: handle) }) else { return }
        FakeHost.lane.async { self.end(timer, handle, status, "") }
    }

    private func store(_ scope: ap_handle, _ op: String, _ json: JSON) -> (ap_status, JSON) {
        state.withLock { state in
            let owner = (state.subjects[scope] ?? "") + "/"
            func entry(_ key: String) -> JSON? {
                state.store[owner + key].map {
                    ["key": .string(key), "value": $0.value, "version": .string(String($0.version))]
                }
            }
            switch op {
            case "get":
                return (AP_OK, ["entries": .array((json["keys"]?.array ?? []).compactMap { entry($0.string ?? "") })])
            case "list":
                let prefix = owner + (json["prefix"]?.string ?? "")
                let after = owner + (json["after"]?.string ?? "")
                let limit = min(json["limit"]?.int ?? 100, 7)  // Small pages, so that there are several.
                let keys = state.store.keys.filter { $0.hasPrefix(prefix) && $0 > after }.sorted()
                    .map { String($0.dropFirst(owner.count)) }
                var answer = JSONObject()
                answer["entries"] = .array(keys.prefix(limit).compactMap(entry))
                if keys.count > limit { answer["after"] = .string(keys[limit - 1]) }
                return (AP_OK, .object(answer))
            default:
                for condition in json["if"]?.array ?? [] {
                    let version = state.store[owner + (condition["key"]?.string ?? "")]?.version
                    guard version.map(String.init) == condition["version"]?.string else {
                        state.conflicts += 1
                        return (AP_E_CONFLICT, "changed")
                    }
                }
                for put in json["put"]?.array ?? [] {
                    state.lastHandle += 1
                    state.store[owner + (put["key"]?.string ?? "")] = (put["value"] ?? .null, Int(state.lastHandle))
                }
                for key in json["delete"]?.array ?? [] { state.store[owner + (key.string ?? "")] = nil }
                return (AP_OK, ["versions": [:]])
            }
        }
    }

    nonisolated(unsafe) private static let extensions: [String: UnsafeMutableRawPointer] = [
        AP_HOST_CALL: table(
            ap_host_call_r1(
                struct_size: 32, flags: 0,
                progress: { host, call, json in
                    let json = try? JSON.parse(json.bytes)
                    FakeHost.of(host).state.withLock {
                        $0.answers[call, default: Answer()].progress.append(json ?? .null)
                    }
                    return AP_OK
                },
                finish: { host, call, status, result in FakeHost.of(host).finish(call, status, result.copy) },
                state: { _, _ in AP_OK })),
        AP_HOST_EXEC: table(
            ap_host_exec_r1(
                struct_size: 56, flags: 0, now: { _ in 1000 }, lane: { _ in 0 },
                after: { host, _, ms, fn, user, out in
                    let handle = FakeHost.of(host).after(ms, Timer(fn: fn, user: user))
                    out?.pointee = handle
                    return AP_OK
                },
                post: { _, _, _, _ in AP_E_UNSUPPORTED }, run_blocking: { _, _, _, _ in AP_E_UNSUPPORTED },
                cancel: { host, handle in
                    FakeHost.of(host).endTimer(handle, AP_E_CANCELLED)
                    return AP_OK
                })),
        AP_HOST_TURN: table(turnTable),
        AP_HOST_TOOLS: table(toolsTable),
        AP_HOST_MODEL: table(modelTable),
        AP_HOST_THREAD: table(threadTable),
        AP_HOST_KV: table(
            ap_host_service_r1(
                struct_size: 16, flags: 0,
                request: { host, scope, op, json, _, fn, user, out in
                    let fake = FakeHost.of(host)
                    let handle = fake.newHandle()
                    out?.pointee = handle
                    let timer = Timer(fn: fn, user: user)
                    let (op, json) = (op.copy, (try? JSON.parse(json.bytes)) ?? .null)
                    DispatchQueue.global().async {
                        let (status, answer) = fake.store(scope, op, json)
                        FakeHost.lane.async { fake.end(timer, handle, status, answer.string ?? answer.text) }
                    }
                    return AP_OK
                })),
    ]

    private static func text(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8CString
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { memory[index] = byte }
        return UnsafePointer(memory)
    }

    private static func table<Table>(_ table: Table) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UnsafeMutableRawPointer(memory)
    }
}

/// An instance of a plugin, driven through its C tables only.
struct Driver: @unchecked Sendable {
    let host = FakeHost()
    let plugin: UnsafePointer<ap_plugin_r1>
    let instance: OpaquePointer

    init?(_ plugin: UnsafePointer<ap_plugin_r1>, configuration: String = "{}") {
        self.plugin = plugin
        let host = host
        var instance: OpaquePointer?
        let status = lend(configuration) { plugin.pointee.create(host.table, $0, &instance) }
        guard status == AP_OK, let instance else { return nil }
        self.instance = instance
    }

    /// Starts a call; nil if it was refused.
    func begin(_ tool: String, _ arguments: JSON, subject: String) -> ap_handle? {
        guard let table = plugin.pointee.get_extension?(instance, AP_EXT_TOOLS) else { return nil }
        let tools = table.assumingMemoryBound(to: ap_tools_r1.self)
        let handle = host.newHandle(subject: subject)
        let none = ap_str(ptr: nil, len: 0)
        let status = lend(tool) { tool in
            lend(arguments.encoded) { arguments in
                lend(subject) { subject in
                    var request = ap_call_request_r1(
                        struct_size: 112, flags: 0, tool: tool, args_json: arguments, subject: subject,
                        thread_id: none, agent_id: none, locale: none, deadline: 3000)
                    return tools.pointee.call_begin(instance, handle, &request)
                }
            }
        }
        return status == AP_OK ? handle : nil
    }

    func call(_ tool: String, _ arguments: JSON, subject: String = "ann") async -> FakeHost.Answer? {
        guard let handle = begin(tool, arguments, subject: subject) else { return nil }
        return await host.answer(handle)
    }

    func cancel(_ call: ap_handle) {
        guard let table = plugin.pointee.get_extension?(instance, AP_EXT_TOOLS) else { return }
        table.assumingMemoryBound(to: ap_tools_r1.self).pointee.call_cancel?(instance, call, AP_E_CANCELLED)
    }

    /// One completion of a model.
    func complete(_ model: String, _ request: JSON) async -> FakeHost.Answer? {
        guard let table = plugin.pointee.get_extension?(instance, AP_EXT_MODEL) else { return nil }
        let handle = host.newHandle()
        let status = lend(model) { model in
            lend(request.encoded) {
                table.assumingMemoryBound(to: ap_model_r1.self).pointee.complete(instance, handle, model, $0, 0)
            }
        }
        return status == AP_OK ? await host.answer(handle) : nil
    }

    /// Ends the instance. Blocks: off Swift's pool.
    func destroy() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                plugin.pointee.destroy(instance)
                continuation.resume()
            }
        }
    }
}
