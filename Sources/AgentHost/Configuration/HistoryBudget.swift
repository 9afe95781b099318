/// How many tokens of a model's context a turn may use (`AGENTHOST_HISTORY_TOKENS`): one number, or numbers by patterns of model ids, of
/// which the first that matches counts.
struct HistoryBudget: Sendable {
    /// For models that no pattern names.
    static let usual = 32_000

    private var rules: [(pattern: String, tokens: Int)] = []

    init() {}

    /// - Parameter text: `16000` or `gpt-4.1*=200000,llama*=6000,*=32000`. Nil when it is neither.
    init?(_ text: String) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count <= 2, let tokens = words.last.flatMap({ Int($0) }), (1_000...10_000_000).contains(tokens)
            else { return nil }
            let pattern = words.count == 2 ? String(words[0]) : "*"
            guard !pattern.isEmpty else { return nil }
            rules.append((pattern, tokens))
        }
    }

    func tokens(for model: String) -> Int {
        rules.first { wildcardMatch(pattern: $0.pattern, model) }?.tokens ?? HistoryBudget.usual
    }
}
