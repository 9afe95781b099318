import Testing

@testable import AgentHost

struct JSONSchemaTests {
    @Test(arguments: [
        (#"{"type":"string"}"#, #""a""#), (#"{"type":"integer"}"#, "5"), (#"{"type":"integer"}"#, "5.0"),
        (#"{"type":"number"}"#, "5"),
        (#"{"type":["string","null"]}"#, "null"), (#"{"type":"string","nullable":true}"#, "null"), ("true", "[1]"),
        ("{}", "null"),
        (#"{"enum":[1,"a"]}"#, "1.0"), (#"{"const":{"a":[1]}}"#, #"{"a":[1.0]}"#), (#"{"minimum":1,"maximum":1}"#, "1"),
        (#"{"minLength":2,"maxLength":2}"#, #""é👍""#), (#"{"items":{"type":"string"},"maxItems":2}"#, #"["a","b"]"#),
        (#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, "null"),
        (#"{"oneOf":[{"type":"string"},{"minimum":3}]}"#, "3"),
        (#"{"not":{"type":"string"}}"#, "1"),
        (##"{"$defs":{"t":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/t"}}}"##, #"{"a":"x"}"#),
        (#"{"format":"email","default":5,"pattern":"^x$","type":"string"}"#, #""nothing""#),
        (#"{"additionalProperties":{"type":"integer"}}"#, #"{"a":1}"#), (#"{"multipleOf":0.5}"#, "1.5"),
        (##"{"properties":{"n":{"$ref":"#"}}}"##, #"{"n":{"n":{}}}"#),
    ])
    func fits(_ schema: String, _ value: String) throws {
        #expect(try JSONSchema(JSON.parse(schema)).problems(in: JSON.parse(value)) == [])
    }

    @Test(arguments: [
        (#"{"type":"string"}"#, "1", "arguments must be a string, not an integer"),
        (#"{"type":["string","null"]}"#, "true", "arguments must be a string or null, not a boolean"),
        (#"{"type":"integer"}"#, "1.5", "arguments must be an integer, not a number"),
        ("false", "1", "arguments is not allowed"),
        (#"{"required":["title"],"type":"object"}"#, "{}", #"arguments must have the member "title""#),
        (
            #"{"properties":{"a":{}},"additionalProperties":false}"#, #"{"b":1}"#,
            #"arguments must not have the member "b"; known are "a""#
        ),
        (#"{"properties":{"a":{"items":{"minimum":3}}}}"#, #"{"a":[3,2]}"#, "arguments.a[1] must be at least 3"),
        (#"{"enum":["x","y"]}"#, #""z""#, #"arguments must be one of "x", "y""#),
        (#"{"const":1}"#, "2", "arguments must be 1"),
        (#"{"minLength":1}"#, #""""#, "arguments must not be empty"),
        (#"{"maxLength":1}"#, #""ab""#, "arguments must have at most 1 characters, not 2"),
        (#"{"exclusiveMinimum":0}"#, "0", "arguments must be greater than 0"),
        (#"{"exclusiveMaximum":0}"#, "0", "arguments must be less than 0"),
        (#"{"maximum":9007199254740993}"#, "9007199254740994", "arguments must be at most 9007199254740993"),
        (#"{"uniqueItems":true}"#, "[1,1.0]", "arguments must not hold 1.0 twice"),
        (#"{"minItems":1}"#, "[]", "arguments must have at least 1 elements, not 0"),
        (
            #"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, "1",
            "arguments fits none of the allowed forms (arguments must be a string, not an integer; or arguments must be null, not an integer)"
        ),
        (
            #"{"oneOf":[{"type":"integer"},{"minimum":3}]}"#, "3",
            "arguments must fit exactly one of the allowed forms, but fits 2"
        ),
        (#"{"not":{"type":"integer"}}"#, "1", "arguments has a form that is not allowed"),
        (
            ##"{"$ref":"#/$defs/no"}"##, "1",
            ##"arguments cannot be checked: the tool's schema refers to "#/$defs/no", which it does not define"##
        ),
        (
            #"{"$ref":"http://x/"}"#, "1",
            #"arguments cannot be checked: the tool's schema refers to "http://x/", which it does not define"#
        ),
    ])
    func refusalSaysWhatAndWhere(_ schema: String, _ value: String, _ problem: String) throws {
        #expect(try JSONSchema(JSON.parse(schema)).problems(in: JSON.parse(value)) == [problem])
    }

    @Test(arguments: [
        ##"{"$ref":"#"}"##, ##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##,
        ##"{"anyOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]}"##,
        ##"{"not":{"not":{"$ref":"#"}}}"##,
    ])
    func schemaThatRefersToItselfIsRefusedSoon(_ schema: String) throws {
        let began = monotonicMilliseconds()
        #expect(try !JSONSchema(JSON.parse(schema)).problems(in: 1).isEmpty)
        #expect(monotonicMilliseconds() - began < 30_000)
    }

    @Test func hugeValuesCostABoundedAmount() throws {
        let elements = JSON.array((0..<50_000).map { .int(Int64($0)) })
        let began = monotonicMilliseconds()
        #expect(JSONSchema(["uniqueItems": true]).problems(in: elements) != [])
        #expect(monotonicMilliseconds() - began < 30_000)
    }

    @Test func manyRequiredMembersCostABoundedAmount() {
        let names = (0..<5_000).map { "k\($0)" }
        let value = JSON.object(JSONObject(members: names.map { (key: $0, value: 1) }))
        let began = monotonicMilliseconds()
        #expect(JSONSchema(["required": .array(names.map { .string($0) })]).problems(in: value) != [])
        #expect(monotonicMilliseconds() - began < 30_000)
    }

    @Test func aSchemaOfManyMembersCostsABoundedAmount() {
        let schema = JSON.object(JSONObject(members: (0..<5_000).map { (key: "k\($0)", value: 1) }))
        let elements = JSON.array([JSON](repeating: 1, count: 5_000))
        let began = monotonicMilliseconds()
        #expect(JSONSchema(["items": schema]).problems(in: elements) != [])
        #expect(monotonicMilliseconds() - began < 30_000)
    }
}
