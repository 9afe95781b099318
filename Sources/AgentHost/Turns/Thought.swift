/// What a model thinks aloud before it speaks: one task of a workflow of type `reasoning`, open until text or a call follows.
///
/// Each update carries the whole text, so it is shown in steps that grow with it: all updates together stay within a small multiple of
/// the text.
struct Thought: Sendable {
    let workflow: Transcript.Handle
    /// Milliseconds of the monotonic clock.
    let began: Int64
    private(set) var text = ""
    private var bytes = 0
    private var shownBytes = 0
    private var shownAt: Int64 = .min
    private var isCut = false

    /// Bytes that are shown; what a model thinks beyond is left out.
    static let maximumBytes = 32 << 10
    /// Milliseconds between two updates.
    static let pause: Int64 = 200

    init(workflow: Transcript.Handle, began: Int64) {
        self.workflow = workflow
        self.began = began
    }

    mutating func add(_ piece: String) {
        guard !isCut else { return }
        var piece = piece
        if bytes + piece.utf8.count > Thought.maximumBytes {
            piece = String(piece.prefix(max(0, (Thought.maximumBytes - bytes) / 4))) + "…"
            isCut = true
        }
        text += piece
        bytes += piece.utf8.count
    }

    /// Whether enough is new to be shown; takes it as shown then.
    mutating func takesStep(_ now: Int64) -> Bool {
        let new = bytes - shownBytes
        let isFirst = shownBytes == 0
        guard new > 0, isFirst || (now - shownAt >= Thought.pause && new >= shownBytes / 8) else { return false }
        shownBytes = bytes
        shownAt = now
        return true
    }

    func task(_ indicator: ChatKit.Task.Indicator) -> ChatKit.Task {
        ChatKit.Task(indicator: indicator, kind: .thought(title: nil, content: text))
    }
}
