/// Checks JSON against the part of JSON Schema (2020-12) that models and tools use.
///
/// Known: `type` (also a list), `properties`, `required`, `additionalProperties`, `items`, `enum`, `const`, `minimum`, `maximum`,
/// `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `minLength`, `maxLength` (code points), `minItems`, `maxItems`,
/// `uniqueItems`, `minProperties`, `maxProperties`, `anyOf`, `oneOf`, `allOf`, `not`, `$ref` within the schema, `nullable`, and
/// `true`/`false` as schemas. Everything else says nothing about validity here: `default`, `format` and also `pattern`, because a
/// backtracking matcher fed by a hostile schema could run for hours; a tool that relies on a pattern checks it itself.
///
/// Schemas are hostile input: depth and work are bounded.
struct JSONSchema: Sendable, Hashable {
    /// The schema itself.
    let root: JSON

    /// Nested schemas and references that are followed.
    static let maximumDepth = 64
    /// Schemas that are looked at, and elements that are compared, for one value.
    static let maximumWork = 100_000

    init(_ root: JSON) { self.root = root }

    /// Sentences that say what is wrong and where, for the model that wrote the value; empty when the value conforms.
    ///
    /// - Parameters:
    ///   - name: what the value is called in the sentences.
    ///   - limit: sentences at most.
    func problems(in value: JSON, named name: String = "arguments", limit: Int = 5) -> [String] {
        var check = SchemaCheck(root: root)
        check.check(value, against: root, at: name, depth: 0)
        return check.obstacle.map { [$0] } ?? Array(check.problems.prefix(limit))
    }
}

/// One validation under way.
private struct SchemaCheck {
    let root: JSON
    var problems: [String] = []
    /// Why there can be no verdict at all; ends the check, and no `not` or `anyOf` turns it into a fit.
    var obstacle: String?
    var work = JSONSchema.maximumWork

    mutating func check(_ value: JSON, against schema: JSON, at path: String, depth: Int) {
        guard spend(at: path), obstacle == nil, problems.count < 16 else { return }
        guard depth < JSONSchema.maximumDepth else {
            return give(up: path, "cannot be checked: the tool's schema is nested too deeply or refers to itself")
        }
        guard let object = schema.object else {
            if schema == .bool(false) { report(path, "is not allowed") }
            return
        }
        // Every keyword is searched for among all members; those of an ordinary schema are few and cost nothing.
        guard spend(max(0, object.members.count - 64), at: path) else { return }
        if value == .null && object["nullable"] == .bool(true) { return }
        if let reference = object["$ref"]?.string {
            guard let target = resolve(reference) else {
                return give(
                    up:
                        path,
                    "cannot be checked: the tool's schema refers to \"\(reference)\", which it does not define")
            }
            check(value, against: target, at: path, depth: depth + 1)
        }
        guard checkType(value, object, at: path) else { return }
        checkValue(value, object, at: path)
        switch value {
        case .string(let text): checkString(text, object, at: path)
        case .int, .double: checkNumber(value, object, at: path)
        case .array(let elements): checkArray(elements, object, at: path, depth: depth)
        case .object(let members): checkObject(members, object, at: path, depth: depth)
        case .null, .bool: break
        }
        checkCombinations(value, object, at: path, depth: depth)
    }

    /// Counts the work; false (and a problem) when there was too much.
    private mutating func spend(_ amount: Int = 1, at path: String) -> Bool {
        guard work > 0 else { return false }
        work -= amount
        if work <= 0 { give(up: path, "is too large to be checked against the tool's schema") }
        return work > 0
    }

    private mutating func give(up path: String, _ reason: String) {
        if obstacle == nil { obstacle = "\(path) \(reason)" }
    }

    private mutating func report(_ path: String, _ problem: String) { problems.append("\(path) \(problem)") }

    /// `#`, `#/a/b` with the escapes of JSON Pointer (RFC 6901).
    private func resolve(_ reference: String) -> JSON? {
        guard reference.hasPrefix("#") else { return nil }
        var target = root
        for part in reference.dropFirst().split(separator: "/") {
            let key = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
            if let index = Int(key), let elements = target.array, elements.indices.contains(index) {
                target = elements[index]
            } else {
                guard let next = target[key] else { return nil }
                target = next
            }
        }
        return target
    }

    // MARK: Keywords

    private mutating func checkType(_ value: JSON, _ schema: JSONObject, at path: String) -> Bool {
        let names: [String]
        switch schema["type"] {
        case .string(let name): names = [name]
        case .array(let list): names = list.compactMap(\.string)
        default: return true
        }
        if names.isEmpty || names.contains(where: { value.hasType($0) }) { return true }
        let wanted = names.map { article($0) }.joined(separator: " or ")
        report(path, "must be \(wanted), not \(article(value.typeName))")
        return false
    }

    private func article(_ type: String) -> String {
        switch type {
        case "null": "null"
        case "integer", "object", "array": "an \(type)"
        default: "a \(type)"
        }
    }

    private mutating func checkValue(_ value: JSON, _ schema: JSONObject, at path: String) {
        if let allowed = schema["enum"]?.array, spend(allowed.count, at: path),
            !allowed.contains(where: { $0.schemaEquals(value) })
        {
            let shown = allowed.prefix(20).map(\.text).joined(separator: ", ")
            report(path, "must be one of \(shown)")
        }
        if let constant = schema["const"], !constant.schemaEquals(value) { report(path, "must be \(constant.text)") }
    }

    private mutating func checkString(_ text: String, _ schema: JSONObject, at path: String) {
        guard schema["minLength"] != nil || schema["maxLength"] != nil else { return }
        let length = Int64(text.unicodeScalars.count)
        if let least = schema["minLength"]?.int, length < least {
            report(path, least == 1 ? "must not be empty" : "must have at least \(least) characters, not \(length)")
        }
        if let most = schema["maxLength"]?.int, length > most {
            report(path, "must have at most \(most) characters, not \(length)")
        }
    }

    private mutating func checkNumber(_ value: JSON, _ schema: JSONObject, at path: String) {
        func order(_ key: String) -> (Int, String)? {
            schema[key].flatMap { compare(value, $0) }.map { ($0, schema[key]?.text ?? "") }
        }
        if let (order, bound) = order("minimum"), order < 0 { report(path, "must be at least \(bound)") }
        if let (order, bound) = order("maximum"), order > 0 { report(path, "must be at most \(bound)") }
        if let (order, bound) = order("exclusiveMinimum"), order <= 0 { report(path, "must be greater than \(bound)") }
        if let (order, bound) = order("exclusiveMaximum"), order >= 0 { report(path, "must be less than \(bound)") }
        if let step = schema["multipleOf"]?.double, step > 0, let number = value.double {
            let quotient = number / step
            if quotient.rounded() != quotient {
                report(path, "must be a multiple of \(schema["multipleOf"]?.text ?? "")")
            }
        }
    }

    /// -1, 0 or 1; nil when one is no number. Integers are compared as such.
    private func compare(_ a: JSON, _ b: JSON) -> Int? {
        if case .int(let a) = a, case .int(let b) = b { return a < b ? -1 : a > b ? 1 : 0 }
        guard let a = a.double, let b = b.double else { return nil }
        return a < b ? -1 : a > b ? 1 : 0
    }

    private mutating func checkArray(_ elements: [JSON], _ schema: JSONObject, at path: String, depth: Int) {
        if let least = schema["minItems"]?.int, elements.count < least {
            report(path, "must have at least \(least) elements, not \(elements.count)")
        }
        if let most = schema["maxItems"]?.int, elements.count > most {
            report(path, "must have at most \(most) elements, not \(elements.count)")
        }
        if schema["uniqueItems"] == .bool(true) { checkUnique(elements, at: path) }
        guard let items = schema["items"] else { return }
        for (index, element) in elements.enumerated() where work > 0 {
            check(element, against: items, at: "\(path)[\(index)]", depth: depth + 1)
        }
    }

    private mutating func checkUnique(_ elements: [JSON], at path: String) {
        for index in elements.indices {
            guard spend(index, at: path) else { return }
            if elements[..<index].contains(where: { $0.schemaEquals(elements[index]) }) {
                return report(path, "must not hold \(elements[index].text.prefix(60)) twice")
            }
        }
    }

    private mutating func checkObject(_ members: JSONObject, _ schema: JSONObject, at path: String, depth: Int) {
        let properties = schema["properties"]?.object
        for name in (schema["required"]?.array ?? []).compactMap(\.string) {
            guard spend(members.members.count, at: path) else { return }
            if members[name] == nil { report(path, "must have the member \"\(name)\"") }
        }
        if let least = schema["minProperties"]?.int, members.members.count < least {
            report(path, "must have at least \(least) members")
        }
        if let most = schema["maxProperties"]?.int, members.members.count > most {
            report(path, "must have at most \(most) members")
        }
        for (key, value) in members.members {
            guard spend(properties?.members.count ?? 1, at: path) else { return }
            if let property = properties?[key] {
                check(value, against: property, at: "\(path).\(key)", depth: depth + 1)
            } else if schema["additionalProperties"] == .bool(false) {
                let known = (properties?.members ?? []).prefix(20).map { "\"\($0.key)\"" }.joined(separator: ", ")
                report(path, "must not have the member \"\(key.prefix(60))\"; known are \(known)")
            } else if let additional = schema["additionalProperties"], additional.object != nil {
                check(value, against: additional, at: "\(path).\(key)", depth: depth + 1)
            }
        }
    }

    private mutating func checkCombinations(_ value: JSON, _ schema: JSONObject, at path: String, depth: Int) {
        for part in schema["allOf"]?.array ?? [] { check(value, against: part, at: path, depth: depth + 1) }
        if let parts = schema["anyOf"]?.array, !parts.isEmpty {
            let trials = parts.map { trial(value, $0, at: path, depth: depth) }
            if !trials.contains(where: \.isEmpty) { reportNone(of: trials, at: path) }
        }
        if let parts = schema["oneOf"]?.array, !parts.isEmpty {
            let trials = parts.map { trial(value, $0, at: path, depth: depth) }
            let fitting = trials.count { $0.isEmpty }
            if fitting == 0 { reportNone(of: trials, at: path) }
            if fitting > 1 { report(path, "must fit exactly one of the allowed forms, but fits \(fitting)") }
        }
        if let part = schema["not"], trial(value, part, at: path, depth: depth).isEmpty {
            report(path, "has a form that is not allowed")
        }
    }

    /// The problems the value would have with one alternative. Work is charged, problems are not kept.
    private mutating func trial(_ value: JSON, _ schema: JSON, at path: String, depth: Int) -> [String] {
        var kept: [String] = []
        swap(&kept, &problems)
        check(value, against: schema, at: path, depth: depth + 1)
        swap(&kept, &problems)
        return kept
    }

    private mutating func reportNone(of trials: [[String]], at path: String) {
        let shown = trials.prefix(4).compactMap { $0.first?.prefix(200) }.joined(separator: "; or ")
        report(path, "fits none of the allowed forms (\(shown))")
    }
}

extension JSON {
    /// The name of the value's type in JSON Schema; whole numbers are integers.
    fileprivate var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double: int == nil ? "number" : "integer"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    fileprivate func hasType(_ name: String) -> Bool {
        name == typeName || name == "number" && typeName == "integer"
    }

    /// Equality of JSON Schema: `1` and `1.0` are the same number.
    fileprivate func schemaEquals(_ other: JSON) -> Bool {
        switch (self, other) {
        case (.int, .double), (.double, .int): double == other.double
        case (.array(let a), .array(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.schemaEquals($1) }
        case (.object(let a), .object(let b)): a.equals(b) { $0.schemaEquals($1) }
        default: self == other
        }
    }
}
