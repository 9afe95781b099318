/// What completions have cost, in tokens: as the model's server counts them, else estimated (`TokenEstimate`).
struct ModelUsage: Sendable, Hashable {
    /// Completions that ended well.
    var completions: Int64 = 0
    var promptTokens: Int64 = 0
    var completionTokens: Int64 = 0
    /// Of `completions`: those whose tokens are estimated.
    var estimated: Int64 = 0

    var tokens: Int64 { promptTokens + completionTokens }

    /// Adds a completion.
    ///
    /// - Parameters:
    ///   - prompt: tokens it was asked with, about.
    ///   - bytes: that it wrote.
    mutating func add(_ end: ModelEnd, prompt: Int, bytes: Int) {
        completions += 1
        if end.promptTokens == nil || end.completionTokens == nil { estimated += 1 }
        // Counts come from outside: none may be negative or make a sum overflow.
        promptTokens = ModelUsage.sum(promptTokens, end.promptTokens ?? Int64(prompt))
        completionTokens = ModelUsage.sum(
            completionTokens, end.completionTokens ?? Int64(TokenEstimate.tokens(bytes: bytes)))
    }

    static func += (a: inout ModelUsage, b: ModelUsage) {
        a.completions = sum(a.completions, b.completions)
        a.promptTokens = sum(a.promptTokens, b.promptTokens)
        a.completionTokens = sum(a.completionTokens, b.completionTokens)
        a.estimated = sum(a.estimated, b.estimated)
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, isOver) = a.addingReportingOverflow(max(0, b))
        return isOver ? .max : sum
    }
}

/// How many tokens a text is, without a tokenizer: one for every three bytes of UTF-8. English has about four bytes a token, other
/// scripts two to three, so this errs on the safe side for most; each message costs four more.
enum TokenEstimate {
    static func tokens(bytes: Int) -> Int { (bytes + 2) / 3 }

    /// A message in the shape of Chat Completions.
    static func tokens(_ message: JSON) -> Int { 4 + tokens(bytes: message.encoded.count) }
}
