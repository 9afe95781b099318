/// Who owns a thing: `h:<user header>`, `t:<token user>`, `s:<session>` (design 8).
struct OwnerKey: Sendable, Hashable {
    let text: String
    init(_ text: String) { self.text = text }
}
