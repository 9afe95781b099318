internal import PluginABI
internal import PluginRuntime

/// What the host says to a plugin's runtime (`plugin_runtime.h`, "host -> runtime").
enum PluginCommand: Sendable {
    /// `host`: its version. `granted`: its extension ids that the plugin gets.
    case load(
        library: String, id: String, version: String, config: [UInt8], host: String, granted: [String], isSerial: Bool)
    case beginTurn(token: UInt64, isBlocking: Bool, subject: String, AgentTurnRequest)
    case beginCall(token: UInt64, isBlocking: Bool, subject: String, ToolCallRequest)
    case beginCompletion(token: UInt64, isBlocking: Bool, ModelRequest)
    case beginHook(token: UInt64, subject: String, HookRequest)
    case control(token: UInt64, deadline: Int64, ControlCall)
    case cancel(token: UInt64, CancelReason)
    case revoke(token: UInt64)
    /// Bytes taken since the last credit.
    case credit(token: UInt64, bytes: Int64)
    case serviceEvent(token: UInt64, event: UInt32, status: Int32, data: [UInt8])
    case drain
    case destroy
    case logLevel(LogLevel)
    /// `id` is one of `PluginLimit.runtimeID`.
    case limit(id: UInt32, Int64)
    /// Answered by `pong`, unless a function of the plugin holds the worker up.
    case ping

    /// What goes over the channel.
    var message: PluginMessage {
        switch self {
        case .load(let library, let id, let version, let config, let host, let granted, let isSerial):
            PluginMessage(
                op: APR_LOAD, item: isSerial ? APR_LOAD_SERIAL : 0,
                strings: [
                    Array(library.utf8), Array(id.utf8), Array(version.utf8), config, Array(host.utf8),
                    Array(granted.joined(separator: " ").utf8),
                ])
        case .beginTurn(let token, let isBlocking, let subject, let request):
            PluginMessage(
                op: APR_TURN_BEGIN,
                item: (isBlocking ? 1 : 0) | (request.kind == .transcription ? APR_TURN_AS_CALL : 0), token: token,
                number: request.deadline,
                strings: [
                    Array(request.agentID.utf8), Array(request.threadID.utf8), Array(subject.utf8),
                    Array(request.kind.rawValue.utf8), JSONText.array(request.input).bytes, request.context.bytes,
                ])
        case .beginCall(let token, let isBlocking, let subject, let request):
            PluginMessage(
                op: APR_CALL_BEGIN, item: isBlocking ? 1 : 0, token: token, number: request.deadline,
                strings: [
                    Array(request.tool.name.utf8), request.arguments.encoded, Array(subject.utf8),
                    Array(request.caller.threadID.utf8), Array(request.caller.agentID.utf8),
                    Array(request.caller.locale.utf8),
                ])
        case .beginCompletion(let token, let isBlocking, let request):
            PluginMessage(
                op: APR_MODEL_BEGIN, item: isBlocking ? 1 : 0, token: token, number: request.deadline,
                strings: [Array(request.model.utf8), request.json.encoded])
        case .beginHook(let token, let subject, let request):
            PluginMessage(
                op: APR_HOOK_BEGIN, token: token, number: request.deadline,
                strings: [
                    Array(request.agentID.utf8), Array(request.point.rawValue.utf8), request.json.encoded,
                    Array(subject.utf8), Array(request.threadID.utf8), Array(request.locale.utf8),
                ])
        case .control(let token, let deadline, .checkHealth):
            PluginMessage(op: APR_HEALTH, token: token, number: deadline)
        case .control(let token, let deadline, .saveState):
            PluginMessage(op: APR_STATE_SAVE, token: token, number: deadline)
        case .control(let token, let deadline, .loadState(let state, let version)):
            PluginMessage(
                op: APR_STATE_LOAD, token: token, number: deadline, strings: [Array(version.utf8), state])
        case .cancel(let token, let reason):
            PluginMessage(op: APR_CANCEL, status: reason == .deadline ? AP_E_DEADLINE : AP_E_CANCELLED, token: token)
        case .revoke(let token): PluginMessage(op: APR_REVOKE, token: token)
        case .credit(let token, let bytes): PluginMessage(op: APR_CREDIT, token: token, number: bytes)
        case .serviceEvent(let token, let event, let status, let data):
            PluginMessage(op: APR_SERVICE_EVENT, status: status, item: event, token: token, strings: [data])
        case .drain: PluginMessage(op: APR_DRAIN)
        case .destroy: PluginMessage(op: APR_DESTROY)
        case .logLevel(let level): PluginMessage(op: APR_LOG_LEVEL, number: Int64(level.rawValue))
        case .limit(let id, let value): PluginMessage(op: APR_LIMIT, item: id, number: value)
        case .ping: PluginMessage(op: APR_PING)
        }
    }
}

/// What the host asks of a plugin for its own sake (`health.h`, `state.h`).
enum ControlCall: Sendable {
    case checkHealth
    case saveState
    /// `version` is the one that has saved it.
    case loadState([UInt8], version: String)
}

/// The parts of an `apr_message`: numbers and up to six strings.
struct PluginMessage: Sendable {
    /// Most bytes of strings: a frame has some for its header as well.
    static let limit = 8 << 20 - 256

    var op: Int32
    var status: Int32 = 0
    var item: UInt32 = 0
    var token: UInt64 = 0
    var number: Int64 = 0
    var strings: [[UInt8]] = []

    /// Bytes of all strings.
    var size: Int { strings.reduce(0) { $0 + $1.count } }

    /// Calls `body` with the C message; its strings are valid during the call.
    func withMessage<Result>(_ body: (UnsafePointer<apr_message>) -> Result) -> Result {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for string in strings { bytes += string }
        return unsafe bytes.withUnsafeBytes { buffer in
            var message = apr_message()
            message.op = UInt16(truncatingIfNeeded: op)
            message.status = Int16(truncatingIfNeeded: status)
            message.item = item
            message.token = token
            message.number = number
            var at = 0
            func next(_ index: Int) -> ap_str {
                guard index < strings.count, let base = buffer.baseAddress else { return unsafe ap_str() }
                defer { at += strings[index].count }
                return unsafe ap_str(
                    ptr: (base + at).assumingMemoryBound(to: CChar.self), len: strings[index].count)
            }
            unsafe message.s = (next(0), next(1), next(2), next(3), next(4), next(5))
            return unsafe withUnsafePointer(to: &message) { unsafe body($0) }
        }
    }

    /// The frame for a worker.
    var frame: [UInt8] {
        unsafe withMessage { message in
            let size = unsafe apr_frame_size(message)
            return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                if let base = buffer.baseAddress {
                    unsafe apr_frame_write(message, base)
                    count = size
                }
            }
        }
    }
}
