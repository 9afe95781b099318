/// Puts the pieces of one completion together: pure, bounded.
struct ModelAccumulator: Sendable, Hashable {
    /// A function call as the model wrote it.
    struct Call: Sendable, Hashable {
        /// Position in the model's list.
        var index: Int
        var id: String?
        var name = ""
        /// JSON text, complete only when the completion has ended.
        var arguments = ""
    }

    /// What a model must not do.
    enum Excess: Error, Hashable {
        case tooManyCalls
        case tooManyBytes
    }

    /// Calls that one completion may hold.
    static let maximumCalls = 64

    /// All text so far.
    private(set) var text = ""
    /// Calls by index.
    private(set) var calls: [Call] = []
    /// Bytes of text, reasoning, names and arguments so far.
    private(set) var bytes = 0

    /// Adds a piece.
    ///
    /// - Parameter limit: bytes the completion may have.
    mutating func add(_ delta: ModelDelta, limit: Int) throws(Excess) {
        switch delta {
        case .text(let piece):
            bytes += piece.utf8.count
            text += piece
        case .reasoning(let piece):
            bytes += piece.utf8.count
        case .toolCall(let index, let id, let name, let arguments):
            bytes += arguments.utf8.count + (name?.utf8.count ?? 0)
            guard (0..<ModelAccumulator.maximumCalls).contains(index) else { throw .tooManyCalls }
            let place = calls.firstIndex { $0.index >= index } ?? calls.count
            if place == calls.count || calls[place].index != index { calls.insert(Call(index: index), at: place) }
            if let id, !id.isEmpty, calls[place].id == nil { calls[place].id = id }
            if let name, calls[place].name.isEmpty { calls[place].name = name }
            calls[place].arguments += arguments
        }
        if bytes > limit { throw .tooManyBytes }
    }
}
