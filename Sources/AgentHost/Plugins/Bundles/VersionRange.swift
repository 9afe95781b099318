/// Which versions a policy allows: comparisons, all of which must hold, e.g. `>=1.2 <2`; a bare version allows itself alone.
struct VersionRange: Sendable, Hashable {
    private enum Operator: String, Sendable, CaseIterable {
        // Longer ones first: they begin like the shorter ones.
        case atLeast = ">="
        case atMost = "<="
        case more = ">"
        case less = "<"
        case equal = "="
    }
    private struct Comparison: Sendable, Hashable {
        var relation: Operator
        var version: Version
    }
    private var comparisons: [Comparison] = []

    /// Nil when the text is no range.
    init?(_ text: String) {
        for word in text.split(separator: " ") {
            let relation = Operator.allCases.first { word.hasPrefix($0.rawValue) }
            guard let version = Version(String(word.dropFirst(relation?.rawValue.count ?? 0))) else { return nil }
            comparisons.append(Comparison(relation: relation ?? .equal, version: version))
        }
        if comparisons.isEmpty { return nil }
    }

    /// Whether a manifest's version lies within.
    func contains(_ text: String) -> Bool {
        guard let version = Version(text) else { return false }
        return comparisons.allSatisfy { comparison in
            switch comparison.relation {
            case .atLeast: version >= comparison.version
            case .atMost: version <= comparison.version
            case .more: version > comparison.version
            case .less: version < comparison.version
            case .equal: version == comparison.version
            }
        }
    }
}

/// A manifest's version: one to three numbers, missing ones are 0. A pre-release (`-beta.2`) comes before its release, and among
/// pre-releases order goes by their identifiers (numbers by value, before text); what follows `+` does not matter (semver.org 2.0, 11).
struct Version: Sendable, Hashable, Comparable {
    private var numbers: [Int]
    private var preRelease: [String]

    init?(_ text: String) {
        let precise = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let parts = precise.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let core = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let numbers = core.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } && part.utf8.count <= 9 ? Int(part) : nil
        }
        guard (1...3).contains(core.count), numbers.count == core.count else { return nil }
        self.numbers = numbers + [Int](repeating: 0, count: 3 - numbers.count)
        preRelease = parts.count > 1 ? parts[1].split(separator: ".").map(String.init) : []
    }

    static func < (a: Version, b: Version) -> Bool {
        for (x, y) in zip(a.numbers, b.numbers) where x != y { return x < y }
        if a.preRelease.isEmpty || b.preRelease.isEmpty { return !a.preRelease.isEmpty && b.preRelease.isEmpty }
        for (x, y) in zip(a.preRelease, b.preRelease) where x != y {
            switch (Int(x), Int(y)) {
            case (let x?, let y?): return x < y
            case (_?, nil): return true
            case (nil, _?): return false
            case (nil, nil): return Array(x.utf8).lexicographicallyPrecedes(Array(y.utf8))
            }
        }
        return a.preRelease.count < b.preRelease.count
    }
}
