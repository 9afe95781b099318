internal import PluginABI

/// A tool failed in a way that the model should know of: the text is for the model to read.
public struct ToolError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The text.
    public let message: String
    /// The text.
    public var description: String { message }

    /// - Parameter message: the text.
    public init(_ message: String) { self.message = message }
}

/// A host service refused or failed.
public struct HostError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, in the words of the ABI.
    public enum Code: Int32, Sendable, Hashable {
        case failed = -1
        case invalid = -2
        case gone = -3
        case cancelled = -4
        case deadline = -5
        case denied = -6
        case limit = -7
        case unsupported = -8
        case unavailable = -9
        case crashed = -10
        case notFound = -11
        case conflict = -12
    }

    /// What went wrong.
    public let code: Code
    /// The host's sentence; may be empty.
    public let message: String
    /// The host's sentence, or one made of the code.
    public var description: String { message.isEmpty ? "The host answered: \(code)." : message }

    /// - Parameter message: a sentence.
    public init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }

    /// Statuses that this kit does not know count as failed.
    init(status: ap_status, _ message: String = "") {
        self.init(Code(rawValue: status) ?? .failed, message)
    }
}

/// Judges the answer to an emission.
/// - Throws: `CancellationError` or ``HostError``.
func check(_ status: ap_status) throws {
    if status == AP_E_CANCELLED { throw CancellationError() }
    if status < AP_OK { throw HostError(status: status) }
}

/// How a call that threw `error` is finished: a status, and the text for whoever asked.
func outcome(of error: any Error) -> (status: ap_status, text: String) {
    switch error {
    case let error as ToolError: (AP_E_FAILED, error.message)
    case is CancellationError: (AP_E_CANCELLED, "The call was cancelled.")
    case let error as DecodingError: (AP_E_FAILED, error.sentence)
    // These three have a meaning for the host; the others are a failure of the plugin.
    case let error as HostError where [.cancelled, .deadline, .unavailable].contains(error.code):
        (error.code.rawValue, error.description)
    default: (AP_E_FAILED, String(describing: error))
    }
}

extension Host {
    /// Logs an error that a handler threw, unless it is an ordinary outcome: a text for the reader, or the end of what was wanted.
    func report(_ error: any Error) {
        switch error {
        case is ToolError, is CancellationError, is HostError, is DecodingError: break
        default: complain("The handler threw an error: \(error)")
        }
    }
}
