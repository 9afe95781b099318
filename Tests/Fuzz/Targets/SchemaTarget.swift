@testable import AgentHost

/// Arguments against a tool's schema: `[schema, value]`. Both are hostile; the work is bounded (libFuzzer's time limit watches).
@c(fuzz_schema)
public func fuzzSchema(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard let pair = try? JSON.parse(Input(data, size).bytes), let parts = pair.array, parts.count == 2 else {
        return 0
    }
    let schema = JSONSchema(parts[0])
    let problems = schema.problems(in: parts[1])
    require(problems.count <= 5 && problems.allSatisfy { !$0.isEmpty }, "problems of no use")
    require(problems == schema.problems(in: parts[1]), "two verdicts on one value")
    return 0
}
