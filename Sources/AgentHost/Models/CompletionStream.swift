/// Reads the answer of a model's server: pure. One for each request.
protocol CompletionStream: Sendable {
    init()

    /// One event of the stream.
    ///
    /// - Parameter emit: called for each piece of the completion, in order.
    /// - Throws: when the event is not readable, or says that the server has failed.
    mutating func read(_ event: ServerSentEvent, _ emit: (ModelDelta) -> Void) throws(ModelFault)

    /// A whole answer in one JSON document: what some servers send although a stream was asked for.
    mutating func readWhole(_ json: JSON, _ emit: (ModelDelta) -> Void) throws(ModelFault)

    /// How the completion ended, once it has said so; what comes behind it does not matter.
    var end: ModelEnd? { get }

    /// The bytes have ended.
    ///
    /// - Throws: `brokenOff` when the completion had not.
    mutating func finish() throws(ModelFault) -> ModelEnd
}

extension CompletionStream {
    /// The JSON of an event.
    static func parse(_ data: [UInt8]) throws(ModelFault) -> JSON {
        do throws(JSONError) {
            let json = try JSON.parse(data, maximumDepth: 64)
            if json.object != nil { return json }
        } catch { throw ModelFault(.unreadable, "an event is no JSON: \(error)") }
        throw ModelFault(.unreadable, "an event is no JSON object")
    }
}

/// Gives the calls of a completion indexes without gaps, whatever a server calls them.
struct CallNumbers: Sendable {
    private var numbers: [Int64: Int] = [:]
    /// Ids by index.
    private var ids: [String] = []

    /// Calls seen so far.
    var count: Int { ids.count }

    /// The index of a call that is named by `key`, and whether it is a new one.
    ///
    /// - Parameters:
    ///   - key: the server's index; nil when it gives none.
    ///   - id: the call's id, if this piece has one.
    ///   - begins: whether this piece names a function, as only the first of a call does. Some servers send all parallel calls under one
    ///     index, each whole and with an id of its own.
    mutating func index(_ key: Int64?, id: String?, begins: Bool) -> Int {
        let known = key.map { numbers[$0] } ?? ids.indices.last
        if let known {
            let isOther = begins && id.map { !$0.isEmpty && $0 != ids[known] && !ids[known].isEmpty } ?? false
            let isNext = key == nil && begins && (id ?? "").isEmpty
            if !isOther && !isNext {
                if let id, ids[known].isEmpty { ids[known] = id }
                return known
            }
        }
        ids.append(id ?? "")
        if let key { numbers[key] = ids.count - 1 }
        return ids.count - 1
    }
}
