/// A JSON object of a manifest that knows where it stands, so that every complaint names the member: `tools[2].name`.
struct ManifestObject {
    private let object: JSONObject
    private let path: String

    init(_ json: JSON, at path: String) throws(ManifestError) {
        guard let object = json.object else {
            throw ManifestError(sentence: "\(path.isEmpty ? "plugin.json" : path) must be an object")
        }
        self.object = object
        self.path = path
    }

    private func full(_ member: String) -> String { path.isEmpty ? member : "\(path).\(member)" }

    private func must(_ member: String, _ what: String) -> ManifestError {
        ManifestError(sentence: "\(full(member)) must be \(what)")
    }

    /// The member; an explicit `null` counts as missing.
    private func value(_ member: String) -> JSON? {
        guard let value = object[member], !value.isNull else { return nil }
        return value
    }

    func optionalText(_ member: String, _ pattern: ManifestPattern) throws(ManifestError) -> String? {
        guard let value = value(member) else { return nil }
        guard let text = value.string else { throw must(member, "a string") }
        try check(text, pattern, full(member))
        return text
    }

    func text(_ member: String, _ pattern: ManifestPattern) throws(ManifestError) -> String {
        guard let text = try optionalText(member, pattern) else {
            throw ManifestError(sentence: "\(full(member)) is missing; it must be a string that \(pattern.words)")
        }
        return text
    }

    /// An array of strings; empty when missing.
    func texts(_ member: String, _ pattern: ManifestPattern) throws(ManifestError) -> [String] {
        guard let value = value(member) else { return [] }
        guard let elements = value.array else { throw must(member, "an array of strings") }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.string else { throw must("\(member)[\(index)]", "a string") }
            try check(text, pattern, full("\(member)[\(index)]"))
            texts.append(text)
        }
        return texts
    }

    private func check(_ text: String, _ pattern: ManifestPattern, _ path: String) throws(ManifestError) {
        guard !pattern.matches(text) else { return }
        throw ManifestError(sentence: "\(path) \"\(text.prefix(80))\" must be a string that \(pattern.words)")
    }

    func optionalInteger(_ member: String, _ range: ClosedRange<Int64>) throws(ManifestError) -> Int64? {
        guard let value = value(member) else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw must(member, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func integer(_ member: String, _ range: ClosedRange<Int64>) throws(ManifestError) -> Int64 {
        guard let number = try optionalInteger(member, range) else {
            throw ManifestError(sentence: "\(full(member)) is missing; it must be a whole number")
        }
        return number
    }

    /// False when missing.
    func flag(_ member: String) throws(ManifestError) -> Bool {
        guard let value = value(member) else { return false }
        guard let flag = value.bool else { throw must(member, "true or false") }
        return flag
    }

    /// One of the words of an enum; `fallback` when missing (nil: it must be there).
    func choice<Choice: RawRepresentable & CaseIterableWords>(
        _ member: String, _ fallback: Choice?
    ) throws(ManifestError) -> Choice where Choice.RawValue == String {
        if let fallback, value(member) == nil { return fallback }
        guard let word = value(member)?.string, let choice = Choice(rawValue: word) else {
            throw must(member, "one of \(Choice.words)")
        }
        return choice
    }

    func object(_ member: String) throws(ManifestError) -> ManifestObject? {
        guard let value = value(member) else { return nil }
        return try ManifestObject(value, at: full(member))
    }

    /// An array of objects; empty when missing.
    func objects(_ member: String) throws(ManifestError) -> [ManifestObject] {
        guard let value = value(member) else { return [] }
        guard let elements = value.array else { throw must(member, "an array of objects") }
        var objects: [ManifestObject] = []
        for (index, element) in elements.enumerated() {
            objects.append(try ManifestObject(element, at: full("\(member)[\(index)]")))
        }
        return objects
    }

    /// A JSON Schema: an object or a truth value.
    func schema(_ member: String) throws(ManifestError) -> JSON? {
        guard let value = value(member) else { return nil }
        guard value.object != nil || value.bool != nil else { throw must(member, "a JSON Schema, an object") }
        return value
    }

    /// The schema of a tool's arguments, which are always an object: one that asks for anything else would refuse every call.
    func argumentsSchema(_ member: String) throws(ManifestError) -> JSON? {
        guard let schema = try schema(member) else { return nil }
        guard let type = schema["type"] else { return schema }
        guard type.string == "object" || type.array?.contains("object") == true else {
            throw must(member, "the schema of an object: {\"type\": \"object\", …}")
        }
        return schema
    }
}

/// An enum of the manifest, with its words for complaints.
protocol CaseIterableWords {
    static var words: String { get }
}
extension Manifest.Mode: CaseIterableWords { static var words: String { "\"event\", \"blocking\"" } }
extension Manifest.Agent.Kind: CaseIterableWords { static var words: String { "\"declarative\", \"coded\"" } }
