/// A JSON value that we do not own the shape of: tool arguments, widgets, metadata.
///
/// Objects keep the order of their members, so that what came in goes out alike. Keys are unique.
enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// The member `key` of an object; nil for other values and missing members.
    subscript(key: String) -> JSON? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The string, if this is one.
    var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The integer; a double that is a whole number counts (`5.0`).
    var int: Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }
    /// The number, if this is one.
    var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
    /// The truth value, if this is one.
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements, if this is an array.
    var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    /// The object, if this is one.
    var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    /// Whether this is `null`.
    var isNull: Bool { self == .null }
}

/// The members of a JSON object, in order.
///
/// Keys are compared byte by byte, as the parser does when it looks for duplicates: Swift's `==` holds "é" in one and in two code
/// points for the same, so that one of two members could never be found.
struct JSONObject: Sendable, Hashable {
    /// Key and value of each member; keys are unique.
    private(set) var members: [(key: String, value: JSON)] = []

    init() {}
    /// - Precondition: keys are unique.
    init(members: [(key: String, value: JSON)]) { self.members = members }

    subscript(key: String) -> JSON? {
        get { members.first { JSONObject.areSame($0.key, key) }?.value }
        set {
            let index = members.firstIndex { JSONObject.areSame($0.key, key) }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }

    /// Order does not count.
    static func == (a: JSONObject, b: JSONObject) -> Bool { a.equals(b) { $0 == $1 } }

    /// Whether both have the same keys, in any order, with values that are the same for `areEqual`.
    func equals(_ other: JSONObject, by areEqual: (JSON, JSON) -> Bool) -> Bool {
        guard members.count == other.members.count else { return false }
        if members.count <= 16 {
            return members.allSatisfy { member in other[member.key].map { areEqual(member.value, $0) } ?? false }
        }
        // Many members are sorted: looking up each of 100,000 would take minutes.
        return zip(sorted, other.sorted).allSatisfy {
            JSONObject.areSame($0.key, $1.key) && areEqual($0.value, $1.value)
        }
    }

    private var sorted: [(key: String, value: JSON)] {
        members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    private static func areSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        for key in members.map(\.key).sorted() { hasher.combine(key) }
    }
}

extension JSON {
    /// Whether arrays and objects are nested more than `limit` levels deep, the value itself included.
    func isNested(deeperThan limit: Int) -> Bool {
        switch self {
        case .array(let elements):
            limit == 0 || elements.contains { $0.isNested(deeperThan: limit - 1) }
        case .object(let object):
            limit == 0 || object.members.contains { $0.value.isNested(deeperThan: limit - 1) }
        default: false
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .int(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(floatLiteral value: Double) { self = .double(value) }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// - Precondition: keys are unique.
    init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(JSONObject(members: elements.map { (key: $0.0, value: $0.1) }))
    }
    init(nilLiteral: ()) { self = .null }
}
