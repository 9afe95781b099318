/// The part of a request's body that has come and was not yet taken: a pure state machine between connection and reader.
struct BodyBuffer: Sendable {
    /// Above this many bytes the connection stops reading until the reader has caught up.
    static let highWater = 32 << 10

    private var bytes: [UInt8] = []
    private(set) var received = 0
    private(set) var isComplete: Bool
    private(set) var error: HTTPError?
    private(set) var wasAsked = false
    private var reader: CheckedContinuation<Void, Never>?

    /// - Parameter isComplete: whether there is no body.
    init(isComplete: Bool) { self.isComplete = isComplete }

    /// Whether the connection should read on.
    var wantsMore: Bool { !isComplete && error == nil && bytes.count < BodyBuffer.highWater }

    /// What a reader finds.
    enum Found {
        case bytes([UInt8])
        case end
        case error(HTTPError)
        /// Nothing yet: the reader must wait.
        case nothing
    }

    /// Takes all that is there.
    mutating func take() -> Found {
        wasAsked = true
        if !bytes.isEmpty {
            defer { bytes = [] }
            return .bytes(bytes)
        }
        if let error { return .error(error) }
        return isComplete ? .end : .nothing
    }

    /// Adds what came; returns the reader to resume.
    mutating func append(_ new: ArraySlice<UInt8>) -> CheckedContinuation<Void, Never>? {
        received += new.count
        bytes.append(contentsOf: new)
        return takeReader()
    }

    /// The body is complete; returns the reader to resume.
    mutating func complete() -> CheckedContinuation<Void, Never>? {
        isComplete = true
        return takeReader()
    }

    /// The body will never be complete; returns the reader to resume. What came before can still be taken.
    mutating func fail(_ error: HTTPError) -> CheckedContinuation<Void, Never>? {
        if !isComplete && self.error == nil { self.error = error }
        return takeReader()
    }

    /// Lets a reader wait. False when it need not, or may not because another one does.
    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        guard bytes.isEmpty, error == nil, !isComplete, reader == nil else { return false }
        reader = continuation
        return true
    }

    /// Whether somebody waits already.
    var isAwaited: Bool { reader != nil }

    mutating func takeReader() -> CheckedContinuation<Void, Never>? {
        defer { reader = nil }
        return reader
    }
}
