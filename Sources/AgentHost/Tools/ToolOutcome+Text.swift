extension ToolOutcome {
    /// What the model reads as the call's result: the result as JSON (a string as it is, parts as text), or a text that starts with
    /// `Error: `.
    var modelText: String {
        switch self {
        case .success(let json): ToolOutcome.text(of: json)
        case .failure, .broken: errorText.map { $0.hasPrefix("Error") ? $0 : "Error: " + $0 } ?? ""
        }
    }

    /// A result as a model reads it.
    static func text(of result: JSON) -> String {
        if let text = result.string { return text }
        if let content = try? ToolContent(result) { return content.modelText }
        return result.text
    }

    /// What went wrong, as a sentence for model and people; nil after a success.
    var errorText: String? {
        switch self {
        case .success: nil
        case .failure(let text): text
        case .broken(let failure): failure.toolSentence
        }
    }
}

extension ProviderFailure {
    /// The failure of a tool, in words a model can act on.
    fileprivate var toolSentence: String {
        switch self {
        case .crashed: "The tool crashed while it worked on this call. Try other arguments, or go on without it."
        case .deadline: "The tool took too long and was stopped. Try a smaller request, or go on without it."
        case .cancelled: "The call was cancelled."
        case .unavailable: "The tool is not available at the moment. Go on without it."
        case .quarantined: "The tool crashed too often and is out of use for a while. Go on without it."
        case .denied: "The tool is not allowed to do this. Go on without it."
        case .unsupported: "The tool cannot do this. Go on without it."
        case .limit: "The call went over a limit of the tool. Ask for less."
        case .overLimit(let reached): reached.sentence
        case .failed(let text): text
        case .explained(let why): why.sentence
        }
    }
}
