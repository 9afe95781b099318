/// The built-in agent `echo`: answers with the content of the person's message (`seed-contracts.md` 1.4).
struct EchoAgent: AgentProvider {
    static let id = "echo"
    /// Deltas an answer is cut into, about.
    private static let pieces = 32
    /// Bytes of one delta at most.
    private static let maximumPiece = 16 << 10

    /// Makes `echo` known as an agent of the host itself, beside the host's own models.
    ///
    /// - Returns: what collides, or nil.
    @discardableResult
    static func register(in registry: Registry, models: [Registry.Model] = []) -> String? {
        let descriptor = AgentDescriptor(id: id, title: "Echo", plugin: "host", kind: .coded)
        return registry.register(
            plugin: "host", agents: [Registry.Agent(descriptor: descriptor, provider: EchoAgent())], tools: [],
            models: models)
    }

    func begin(_ request: AgentTurnRequest, output: any AgentOutput) -> any AgentTurn {
        var deltas = ChatKit.TextDeltas()
        for piece in EchoAgent.split(EchoAgent.answer(to: request.input.map(\.json))) { deltas.append(piece) }
        output.text(item: 1, deltas)
        output.itemDone(1)
        output.finish(.success(()))
        return FinishedTurn()
    }

    /// The text of the last user message; a sentence when it has none.
    static func answer(to input: [JSON]) -> String {
        let message = input.last { $0["type"] == "user_message" }
        let text = (message?["content"]?.array ?? []).compactMap { $0["text"]?.string }.joined()
        return text.allSatisfy(\.isWhitespace) ? "Your message has no text to echo." : text
    }

    /// Cuts behind words, so that streaming is visible; joined, the pieces are the text. Never cuts inside a code point.
    static func split(_ text: String) -> [String] {
        let target = max(1, text.utf8.count / pieces)
        var result: [String] = []
        var piece = ""
        var bytes = 0
        var isBehindWord = false
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if bytes >= maximumPiece || isBehindWord && !isSpace && bytes >= target {
                result.append(piece)
                piece = ""
                bytes = 0
            }
            piece.unicodeScalars.append(scalar)
            bytes += UTF8.width(scalar)
            isBehindWord = isSpace
        }
        if !piece.isEmpty { result.append(piece) }
        return result
    }

    /// Everything was said in `begin`.
    private struct FinishedTurn: AgentTurn {
        func cancel(_ reason: CancelReason) {}
        func consumed(_ bytes: Int) {}
    }
}
