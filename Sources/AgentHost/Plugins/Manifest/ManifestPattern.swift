/// What a string of a manifest must look like, and how to say so.
struct ManifestPattern: Sendable {
    /// Completes "must be a string that …".
    let words: String
    let matches: @Sendable (String) -> Bool

    static let any = ManifestPattern(words: "is text") { _ in true }

    static let name = ManifestPattern(words: "matches [A-Za-z0-9_-]{1,64}") {
        (1...64).contains($0.utf8.count) && $0.utf8.allSatisfy { isAlphanumeric($0) || $0 == dash || $0 == underscore }
    }

    /// Agents appear in addresses and in folders' names; dots are allowed there.
    static let agentID = ManifestPattern(words: "matches [A-Za-z0-9._-]{1,128}") {
        (1...128).contains($0.utf8.count)
            && $0.utf8.allSatisfy { isAlphanumeric($0) || $0 == dash || $0 == underscore || $0 == dot }
    }

    static let modelID = ManifestPattern(words: "has 1 to 128 bytes without blanks and control characters") {
        (1...128).contains($0.utf8.count) && $0.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    static let pluginID = ManifestPattern(
        words: "is a reverse domain like \"dev.example.trip\" (matches [a-z0-9-]+(\\.[a-z0-9-]+)+, at most 128 bytes)"
    ) { text in
        let parts = text.utf8.split(separator: dot, omittingEmptySubsequences: false)
        return text.utf8.count <= 128 && parts.count >= 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.allSatisfy { isDigit($0) || (0x61...0x7A).contains($0) || $0 == dash }
            }
    }

    static let version = ManifestPattern(words: "is a version like \"1.4.0\" or \"1.4.0-beta.2\"") { text in
        let core = text.utf8.prefix { isDigit($0) || $0 == dot }
        let rest = text.utf8.dropFirst(core.count)
        let numbers = core.split(separator: dot, omittingEmptySubsequences: false)
        return text.utf8.count <= 64 && (1...3).contains(numbers.count)
            && numbers.allSatisfy { (1...9).contains($0.count) }
            && (rest.isEmpty
                || ([dash, UInt8(ascii: "+")].contains(rest.first ?? 0) && rest.count > 1
                    && rest.dropFirst().allSatisfy {
                        isAlphanumeric($0) || $0 == dash || $0 == dot || $0 == UInt8(ascii: "+")
                    }))
    }

    static let fileName = ManifestPattern(words: "is a bare file name, without folders") {
        (1...255).contains($0.utf8.count) && $0 != "." && $0 != ".." && !$0.utf8.contains(UInt8(ascii: "/"))
            && !$0.utf8.contains(0)
    }

    static let extensionID = ManifestPattern(words: "is an extension id like \"ap.host.turn/1\"") {
        // Ids are handed to the plugin's runtime as one text, separated by blanks.
        (1...128).contains($0.utf8.count) && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    static let grant = ManifestPattern(words: "is a tool's name, or \"plugin-id/tool\" where * stands for anything") {
        (1...256).contains($0.utf8.count)
            && $0.utf8.allSatisfy { isAlphanumeric($0) || Array("._-/*".utf8).contains($0) }
    }
}

private let dash = UInt8(ascii: "-")
private let dot = UInt8(ascii: ".")
private let underscore = UInt8(ascii: "_")

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
private func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
}
