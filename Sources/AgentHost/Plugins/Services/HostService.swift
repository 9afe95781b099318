internal import PluginABI

/// A service of the host that answers later: one of the `ap.host.*` ids with the table of `service.h`.
protocol HostService: Sendable {
    /// Starts a request. Called on a thread that delivers events: must not block. `reply.end` is called exactly once.
    func start(_ call: ServiceCall, _ reply: ServiceReply) -> any Cancellable
}

/// One request of a plugin.
struct ServiceCall: Sendable {
    var manifest: Manifest
    /// The plugin's generation that asks; nil before it provides anything.
    var generation: Generation?
    /// The turn or call it is made for; nil is the instance.
    var scope: WorkScope?
    var op: String
    /// Text of the plugin, unchecked.
    var json: [UInt8]
    var body: [UInt8]

    /// The parsed object; empty text counts as `{}`.
    func arguments() throws(ServiceFailure) -> JSON {
        guard !json.isEmpty else { return [:] }
        do {
            let value = try JSON.parse(json, maximumDepth: 64)
            if value.object != nil { return value }
        } catch { throw ServiceFailure(.invalid, error.sentence) }
        throw ServiceFailure(.invalid, "the request must be a JSON object")
    }
}

/// Why a request failed.
struct ServiceFailure: Error, Hashable {
    var status: Status
    var sentence: String

    init(_ status: Status, _ sentence: String) {
        self.status = status
        self.sentence = sentence
    }

    /// Statuses of the ABI that services answer.
    struct Status: RawRepresentable, Sendable, Hashable {
        var rawValue: Int32
        static let failed = Status(rawValue: AP_E_FAILED)
        static let invalid = Status(rawValue: AP_E_INVALID)
        static let gone = Status(rawValue: AP_E_GONE)
        static let denied = Status(rawValue: AP_E_DENIED)
        static let limit = Status(rawValue: AP_E_LIMIT)
        static let unsupported = Status(rawValue: AP_E_UNSUPPORTED)
        static let unavailable = Status(rawValue: AP_E_UNAVAILABLE)
        static let notFound = Status(rawValue: AP_E_NOT_FOUND)
        static let conflict = Status(rawValue: AP_E_CONFLICT)
    }

    static func unknownOperation(_ op: String) -> ServiceFailure {
        ServiceFailure(.unsupported, "the service has no operation \"\(op.prefix(64))\"")
    }
}

/// Where a service puts its answer. Any thread; what comes after the end is dropped.
struct ServiceReply: Sendable {
    static let endEvent = UInt32(AP_EV_END)
    /// Bytes of one answer: with its frame it must fit into what the runtime reads.
    static let limit = 4 << 20

    private let send: @Sendable (_ event: UInt32, _ status: Int32, _ data: [UInt8]) -> Void
    init(_ send: @escaping @Sendable (_ event: UInt32, _ status: Int32, _ data: [UInt8]) -> Void) { self.send = send }

    /// A piece of the answer.
    func data(_ json: JSON) { send(UInt32(AP_EV_DATA), AP_OK, json.encoded) }
    /// What precedes the first piece.
    func head(_ json: JSON) { send(UInt32(AP_EV_HEAD), AP_OK, json.encoded) }
    /// A piece that is no JSON.
    func bytes(_ bytes: [UInt8]) { send(UInt32(AP_EV_DATA), AP_OK, bytes) }
    /// News about work that goes on.
    func progress(_ json: JSON) { send(UInt32(AP_EV_PROGRESS), AP_OK, json.encoded) }

    func end(_ result: JSON) {
        let bytes = result.encoded
        guard bytes.count <= ServiceReply.limit else {
            return end(ServiceFailure(.limit, "the answer is larger than \(ServiceReply.limit) bytes; ask for less"))
        }
        send(ServiceReply.endEvent, AP_OK, bytes)
    }
    func end(_ failure: ServiceFailure) { end(failure.status.rawValue, failure.sentence) }
    func end(_ failure: ProviderFailure) { end(failure.status.code, failure.status.sentence) }
    func end(_ status: Int32, _ sentence: String) { send(ServiceReply.endEvent, status, Array(sentence.utf8)) }
}

/// Runs the answer of a request as a Swift task.
struct ServiceTask: Cancellable {
    private let task: Task<Void, Never>

    init(_ reply: ServiceReply, _ body: @escaping @Sendable () async throws(ServiceFailure) -> JSON) {
        task = Task {
            do throws(ServiceFailure) { reply.end(try await body()) } catch { reply.end(error) }
        }
    }

    func cancel(_ reason: CancelReason) { task.cancel() }
}
