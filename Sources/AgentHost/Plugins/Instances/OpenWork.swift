internal import PluginABI
private import Synchronization

/// For whom and where something runs: what a host service called by it may reach.
struct WorkScope: Sendable, Hashable {
    /// Nil where nobody is known: in completions of a model and outside of turns and calls.
    var owner: OwnerKey?
    var threadID = ""
    /// Of the request that caused a turn; empty elsewhere.
    var requestID = ""
    var agentID = ""
    var locale = ""
    /// Milliseconds of the monotonic clock; 0 means none.
    var deadline: Int64 = 0
    /// Of the turn it is done for.
    var meter: WorkMeter?
}

/// What a plugin is asked for.
enum WorkKind: String, Sendable, Hashable, CaseIterable {
    case turn, call, completion
    /// How it is, its state: the host's own questions.
    case control
}

/// A turn, call or completion that a plugin has not finished.
protocol OpenWork: Sendable {
    var scope: WorkScope { get }
    var kind: WorkKind { get }

    /// An event that carries this work's token, other than its end. Answers the bytes the plugin gets credit for at once.
    func received(_ event: PluginEvent) -> Int

    /// The plugin has finished. Called at most once, and not after `end`.
    func finished(_ status: Int32, _ result: [UInt8])

    /// It ends without the plugin. Called at most once, and not after `finished`.
    func end(_ failure: ProviderFailure)
}

/// Keeps the promise that nothing follows the end, though events and the end may come from different threads.
struct DeliveryGate: ~Copyable, Sendable {
    private let isClosed = Mutex(false)

    /// Runs `body` unless the end was reached.
    func deliver(_ body: () -> Void) { isClosed.withLock { if !$0 { body() } } }

    /// Waits for a delivery that is under way; none follows.
    func close() { isClosed.withLock { $0 = true } }
}

extension ProviderFailure {
    /// What a negative status of the ABI means; `message` are the plugin's words.
    init(status: Int32, message: String) {
        switch status {
        case AP_E_CANCELLED: self = .cancelled
        case AP_E_DEADLINE: self = .deadline
        case AP_E_DENIED: self = .denied
        case AP_E_UNSUPPORTED: self = .unsupported
        case AP_E_LIMIT: self = .limit
        case AP_E_UNAVAILABLE: self = .unavailable
        case AP_E_CRASHED: self = .crashed
        default: self = .failed(message.isEmpty ? "the plugin failed with status \(status)" : message)
        }
    }

    init(_ reason: CancelReason) { self = reason == .deadline ? .deadline : .cancelled }

    /// The status of the ABI for it, and words.
    var status: (code: Int32, sentence: String) {
        switch self {
        case .crashed: (AP_E_CRASHED, "the plugin crashed")
        case .deadline: (AP_E_DEADLINE, "it took too long")
        case .cancelled: (AP_E_CANCELLED, "it was cancelled")
        case .unavailable: (AP_E_UNAVAILABLE, "it is not available at the moment")
        case .quarantined: (AP_E_UNAVAILABLE, "it crashed too often and is out of use for a while")
        case .denied: (AP_E_DENIED, "it is not permitted")
        case .unsupported: (AP_E_UNSUPPORTED, "it cannot do this")
        case .limit: (AP_E_LIMIT, "a limit was reached")
        case .overLimit(let reached): (AP_E_LIMIT, reached.sentence)
        case .failed(let words): (AP_E_FAILED, words)
        case .explained(let why): (why.allowRetry ? AP_E_UNAVAILABLE : AP_E_FAILED, why.sentence)
        }
    }
}
