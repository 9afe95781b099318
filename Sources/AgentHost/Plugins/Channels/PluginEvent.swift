internal import PluginABI
internal import PluginRuntime

/// What a plugin's runtime says to the host (`plugin_runtime.h`, "runtime -> host"). Text was repaired to be UTF-8; nothing else
/// was checked: it may come from a hostile worker.
enum PluginEvent: Sendable, Hashable {
    struct Offers: OptionSet, Sendable, Hashable {
        let rawValue: UInt32
        static let agent = Offers(rawValue: APR_HAS_AGENT)
        static let tools = Offers(rawValue: APR_HAS_TOOLS)
        static let model = Offers(rawValue: APR_HAS_MODEL)
        static let config = Offers(rawValue: APR_HAS_CONFIG)
        static let health = Offers(rawValue: APR_HAS_HEALTH)
        static let state = Offers(rawValue: APR_HAS_STATE)
        static let hooks = Offers(rawValue: APR_HAS_HOOKS)
    }

    /// `sentence` says why it was refused when `status` is negative.
    case loaded(status: Int32, offers: Offers, sentence: String)
    case turnText(token: UInt64, item: UInt32, ChatKit.TextDeltas)
    case turnEmit(token: UInt64, item: UInt32, kind: String, json: [UInt8])
    case turnItemDone(token: UInt64, item: UInt32)
    case turnFinish(token: UInt64, status: Int32, message: String, RuntimeUsage = RuntimeUsage())
    case callProgress(token: UInt64, json: [UInt8])
    case callFinish(token: UInt64, status: Int32, result: [UInt8], RuntimeUsage = RuntimeUsage())
    case serviceRequest(ServiceRequest)
    case serviceCancel(token: UInt64)
    /// `token` is 0 for lines of the instance.
    case log(token: UInt64, level: LogLevel, message: String, fields: [UInt8])
    case configDone(status: Int32)
    case destroyed
    case stall(token: UInt64, milliseconds: Int64)
    case misbehaved(token: UInt64, sentence: String)
    case pong
    /// A turn or call has passed a limit; `limit` is one of `PluginLimit.runtimeID`.
    case over(token: UInt64, limit: UInt32)
    /// A function has kept its lane for longer than allowed; `returned`: it has come back.
    case stuck(token: UInt64, milliseconds: Int64, returned: Bool)
    /// A counter of the runtime: `APR_METER_*`.
    case meter(item: UInt32, value: Int64)

    /// What a turn or call has used, as its end tells. A hostile worker may say anything.
    struct RuntimeUsage: Sendable, Hashable {
        var laneMicroseconds: Int64 = 0
        var timers: Int64 = 0
        /// One of `PluginLimit.runtimeID`: what has last refused it something; 0 is nothing.
        var refusedBy: UInt32 = 0

        init() {}

        init(item: UInt32, number: Int64) {
            laneMicroseconds = number
            timers = Int64(item & 0xFF_FFFF)
            refusedBy = item >> 24
        }
    }

    struct ServiceRequest: Sendable, Hashable {
        var token: UInt64
        /// Token of the turn or call it is made for; 0 is the instance.
        var scope: UInt64
        var service: String
        var op: String
        var json: [UInt8]
        var body: [UInt8]
    }

    /// Copies what the message says. Nil for operations this host does not know.
    init?(_ pointer: UnsafePointer<apr_message>) {
        let message = unsafe pointer.pointee
        let token = message.token
        let item = message.item
        let number = message.number
        let status = Int32(message.status)
        let s = unsafe message.s
        switch Int32(message.op) {
        case APR_LOADED: self = unsafe .loaded(status: status, offers: Offers(rawValue: item), sentence: text(s.0))
        case APR_TURN_TEXT: self = unsafe .turnText(token: token, item: item, deltas(s.0))
        case APR_TURN_EMIT: self = unsafe .turnEmit(token: token, item: item, kind: text(s.0), json: bytes(s.1))
        case APR_TURN_ITEM_DONE: self = .turnItemDone(token: token, item: item)
        case APR_TURN_FINISH:
            self = unsafe .turnFinish(
                token: token, status: status, message: text(s.0), RuntimeUsage(item: item, number: number))
        case APR_CALL_PROGRESS: self = unsafe .callProgress(token: token, json: bytes(s.0))
        case APR_CALL_FINISH:
            self = unsafe .callFinish(
                token: token, status: status, result: bytes(s.0), RuntimeUsage(item: item, number: number))
        case APR_SERVICE_REQUEST:
            self = unsafe .serviceRequest(
                ServiceRequest(
                    token: token, scope: UInt64(bitPattern: number), service: text(s.0), op: text(s.1),
                    json: bytes(s.2),
                    body: bytes(s.3)))
        case APR_SERVICE_CANCEL: self = .serviceCancel(token: token)
        case APR_LOG:
            self = unsafe .log(
                token: token, level: LogLevel(rawValue: Int(item)) ?? .info, message: text(s.0), fields: bytes(s.1))
        case APR_CONFIG_DONE: self = .configDone(status: status)
        case APR_DESTROYED: self = .destroyed
        case APR_STALL: self = .stall(token: token, milliseconds: number)
        case APR_MISBEHAVED: self = unsafe .misbehaved(token: token, sentence: text(s.0))
        case APR_PONG: self = .pong
        case APR_OVER: self = .over(token: token, limit: item)
        case APR_STUCK: self = .stuck(token: token, milliseconds: number, returned: item == 0)
        case APR_METER: self = .meter(item: item, value: number)
        default: return nil
        }
    }
}

/// Events on their way to the host. Texts of one item that come one behind the other become one event: a burst of deltas then
/// costs one look-up, one lock and one wake-up.
struct PluginEventBatch {
    /// Bytes of text in one event, about.
    private static let textLimit = 64 << 10
    /// Deltas in one event.
    private static let countLimit = 512

    private var complete: [PluginEvent] = []
    private var text: (token: UInt64, item: UInt32, deltas: ChatKit.TextDeltas)?

    mutating func append(_ event: PluginEvent) {
        guard case .turnText(let token, let item, let deltas) = event else {
            endText()
            return complete.append(event)
        }
        if takesText(token, item) {
            text?.deltas.append(deltas)
        } else {
            endText()
            text = (token, item, deltas)
        }
    }

    /// Copies what the message says; nothing for operations this host does not know.
    mutating func append(_ message: UnsafePointer<apr_message>) {
        if unsafe Int32(message.pointee.op) == APR_TURN_TEXT,
            takesText(unsafe message.pointee.token, unsafe message.pointee.item)
        {
            unsafe withUTF8(message.pointee.s.0) { text?.deltas.append(utf8: $0) }
        } else if let event = unsafe PluginEvent(message) {
            append(event)
        }
    }

    /// Whether text of that item goes on with the event that is open.
    private func takesText(_ token: UInt64, _ item: UInt32) -> Bool {
        guard let text else { return false }
        return text.token == token && text.item == item && text.deltas.bytes.count < PluginEventBatch.textLimit
            && text.deltas.count < PluginEventBatch.countLimit
    }

    private mutating func endText() {
        if let text { complete.append(.turnText(token: text.token, item: text.item, text.deltas)) }
        text = nil
    }

    /// Takes what was appended, in order.
    mutating func take() -> [PluginEvent] {
        endText()
        var taken: [PluginEvent] = []
        swap(&taken, &complete)
        return taken
    }
}

extension PluginEvent {
    /// Bytes of text and JSON that count against a reader's credit.
    var payloadSize: Int {
        switch self {
        case .turnText(_, _, let deltas): deltas.bytes.count
        case .turnEmit(_, _, let kind, let json): kind.utf8.count + json.count
        case .callProgress(_, let json): json.count
        default: 0
        }
    }
}

private func bytes(_ string: ap_str) -> [UInt8] {
    let start = unsafe UnsafeRawPointer(string.ptr)
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : string.len))
}

private func text(_ string: ap_str) -> String {
    let start = unsafe UnsafeRawPointer(string.ptr)
    return unsafe String(
        decoding: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : string.len), as: UTF8.self)
}

private func withUTF8(_ string: ap_str, _ body: (Span<UInt8>) -> Void) {
    let start = unsafe UnsafeRawPointer(string.ptr)
    let buffer = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : string.len)
    unsafe buffer.withMemoryRebound(to: UInt8.self) { unsafe body($0.span) }
}

private func deltas(_ string: ap_str) -> ChatKit.TextDeltas {
    var deltas = ChatKit.TextDeltas()
    unsafe withUTF8(string) { deltas.append(utf8: $0) }
    return deltas
}
