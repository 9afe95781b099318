/// A JSON value: arguments and results of tools, values of the key-value service, messages of a model.
///
/// Objects keep the order of their members. Write one as a literal: `["id": 1, "title": .string(title)]`.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// The member `key` of an object; nil for other values and for missing members.
    public subscript(key: String) -> JSON? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The string, if this is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The integer; a double that is a whole number counts (`5.0`).
    public var int: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number, if this is one.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The truth value, if this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The elements, if this is an array.
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    /// The members, if this is an object.
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The string, or `null` for nil.
    public static func string(orNull value: String?) -> JSON { value.map(JSON.string) ?? .null }
}

/// The members of a JSON object, in order. Keys are unique: a later member of the same key wins.
public struct JSONObject: Sendable, Hashable {
    /// The keys, in order.
    public private(set) var keys: [String] = []
    private var values: [String: JSON] = [:]

    /// An empty object.
    public init() {}

    /// The value of a member; nil removes it.
    public subscript(key: String) -> JSON? {
        get { values[key] }
        set {
            let old = newValue.map { values.updateValue($0, forKey: key) } ?? values.removeValue(forKey: key)
            switch (old, newValue) {
            case (nil, .some): keys.append(key)
            case (.some, nil): keys.removeAll { $0 == key }
            default: break
            }
        }
    }

    /// Number of members.
    public var count: Int { keys.count }

    /// Order does not count.
    public static func == (a: JSONObject, b: JSONObject) -> Bool { a.values == b.values }

    /// Order does not count.
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// `"text"`
    public init(stringLiteral value: String) { self = .string(value) }
    /// `1`
    public init(integerLiteral value: Int) { self = .int(value) }
    /// `true`
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `1.5`
    public init(floatLiteral value: Double) { self = .double(value) }
    /// `[1, 2]`
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// `["key": 1]`; of equal keys the last one counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
    /// `nil`: null
    public init(nilLiteral: ()) { self = .null }
}
