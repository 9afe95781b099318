extension ChatKit {
    /// Whether clients accept the name: any other name fails their validation (`chatkit-protocol.md` 11).
    static func isIcon(_ name: String) -> Bool {
        name.hasPrefix("lucide:") || name.hasPrefix("vendor:") || icons.contains(name)
    }

    private static let icons: Set<String> = [
        "agent", "analytics", "atom", "batch", "bolt", "book-open", "book-closed", "book-clock", "bug", "calendar",
        "chart",
        "check", "check-circle", "check-circle-filled", "chevron-left", "chevron-right", "circle-question", "clock",
        "compass",
        "confetti", "cube", "desktop", "document", "dot", "dots-horizontal", "dots-vertical", "empty-circle",
        "external-link",
        "globe", "keys", "lab", "images", "info", "lifesaver", "lightbulb", "mail", "map-pin", "maps", "mobile", "name",
        "notebook", "notebook-pencil", "page-blank", "phone", "play", "plus", "profile", "profile-card", "reload",
        "star",
        "star-filled", "search", "sparkle", "sparkle-double", "square-code", "square-image", "square-text", "suitcase",
        "settings-slider", "user", "wreath", "write", "write-alt", "write-alt2",
    ]
}
