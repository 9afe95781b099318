import Foundation
import Testing

@testable import AgentHost

/// The operator's file of limits, and what becomes of it.
struct PluginLimitTableTests {
    private func table(_ text: String) throws -> PluginLimitTable { try PluginLimitTable(parsing: Array(text.utf8)) }

    private func manifest(memory: Int? = nil, threads: Int? = nil, id: String = "dev.example.trip") throws -> Manifest {
        let permissions = [("memory_mb", memory), ("threads", threads)].compactMap { name, value in
            value.map { "\"\(name)\":\($0)" }
        }
        return try Manifest(
            parsing: Array(
                #"{"abi":1,"id":"\#(id)","name":"trip","version":"1.0.0","permissions":{\#(permissions.joined(separator: ","))}}"#
                    .utf8))
    }

    @Test func whatIsNotWrittenIsTheDefault() throws {
        let limits = try table("{}").limits(of: manifest())
        for limit in PluginLimit.allCases { #expect(limits[limit] == limit.defaultValue) }
        #expect(limits == PluginLimits())
    }

    @Test func thePluginsOwnEntryWinsOverThatOfAll() throws {
        let table = try table(
            #"{"dev.example.trip": {"turn_timers": 7, "lane_ms": 9}, "*": {"turn_timers": 5, "turn_bytes": 1024}}"#)
        let limits = table.limits(of: try manifest())
        #expect(limits[.turnTimers] == 7 && limits[.laneMilliseconds] == 9 && limits[.turnBytes] == 1_024)
        let other = table.limits(of: try manifest(id: "dev.example.other"))
        #expect(other[.turnTimers] == 5 && other[.laneMilliseconds] == PluginLimit.laneMilliseconds.defaultValue)
    }

    /// A manifest may ask for less, never for more; what the operator wrote for this plugin is true whatever it asks.
    @Test(
        arguments: [
            ("{}", 64, 64), ("{}", 100_000, 512), (#"{"*": {"memory_mb": 100}}"#, 64, 64),
            (#"{"*": {"memory_mb": 100}}"#, 200, 100), (#"{"dev.example.trip": {"memory_mb": 300}}"#, 64, 300),
            (#"{"dev.example.trip": {"memory_mb": 32}}"#, 64, 32), (#"{"*": {"memory_mb": 0}}"#, 64, 64),
            (#"{"*": {"memory_mb": 0}}"#, nil, 0), (#"{"dev.example.trip": {"memory_mb": 0}}"#, 64, 0),
        ] as [(String, Int?, Int64)])
    func manifestsOnlyLower(_ file: String, _ asked: Int?, _ expected: Int64) throws {
        #expect(try table(file).limits(of: manifest(memory: asked))[.memoryMegabytes] == expected)
        let threads = file.replacingOccurrences(of: "memory_mb", with: "threads")
        let most = min(expected, PluginLimit.threads.defaultValue)
        let threadLimit = try table(threads).limits(of: manifest(threads: asked.map { min($0, 4_096) }))[.threads]
        if expected <= PluginLimit.threads.defaultValue { #expect(threadLimit == expected) }
        #expect(threadLimit >= most)
    }

    @Test(arguments: [
        ("", "is not JSON"), ("{", "is not JSON"), ("[]", "must be an object"), ("null", "must be an object"),
        (#"{"*": 1}"#, #""*" must be an object"#), (#"{"nonsense": {}}"#, "neither a plugin's id nor"),
        (#"{"": {}}"#, "neither a plugin's id nor"),
        (#"{"*": {"memory": 1}}"#, #""*" has the unknown limit "memory"; known are open_turns, "#),
        (
            #"{"dev.example.trip": {"memory_mb": "256"}}"#,
            #""dev.example.trip".memory_mb must be a whole number from 1 to"#
        ),
        (#"{"*": {"memory_mb": 1.5}}"#, "memory_mb must be a whole number"),
        (#"{"*": {"memory_mb": -1}}"#, "memory_mb must be a whole number"),
        (#"{"*": {"memory_mb": null}}"#, "memory_mb must be a whole number"),
        (#"{"*": {"memory_mb": 1048577}}"#, "or 0 for no limit"),
        (#"{"*": {"open_turns": 0}}"#, #""*".open_turns must be a whole number from 1 to 10000"#),
        (#"{"*": {"open_turns": 10001}}"#, "from 1 to 10000"),
        (#"{"*": {"turn_open_requests": 1025}}"#, "from 1 to 1024"),
        (#"{"*": {"lane_ms": 0}}"#, "lane_ms must be a whole number from 1"),
        (#"{"*": {}, "*": {}}"#, "is not JSON"), (#"{"*": {"threads": 1, "threads": 2}}"#, "is not JSON"),
    ])
    func whatIsWrongIsNamed(_ text: String, _ words: String) {
        let error = #expect(throws: PluginLimitsError.self) { try table(text) }
        #expect(error?.reason.contains(words) == true, "\(error?.reason ?? "")")
    }

    @Test(arguments: PluginLimit.allCases) func eachLimitAtItsEdges(_ limit: PluginLimit) throws {
        func value(_ number: Int64) throws -> Int64 {
            try table(#"{"*": {"\#(limit.name)": \#(number)}}"#).limits(of: manifest())[limit]
        }
        let (least, most) = (limit.range.lowerBound, limit.range.upperBound)
        #expect(try value(least) == least)
        #expect(try value(most) == most)
        #expect(throws: PluginLimitsError.self) { try value(most + 1) }
        #expect(throws: PluginLimitsError.self) { try value(-1) }
        if limit.mayBeAbsent {
            #expect(try value(0) == 0)
        } else {
            #expect(throws: PluginLimitsError.self) { try value(0) }
        }
        #expect(limit.defaultValue == 0 ? limit.mayBeAbsent : limit.range.contains(limit.defaultValue))
        var limits = PluginLimits()
        limits[limit] = 5
        #expect(!limits.isExceeded(limit, by: 5) && limits.isExceeded(limit, by: 6))
        limits[limit] = 0
        #expect(limits.isExceeded(limit, by: 1) != limit.mayBeAbsent)
        #expect(limit.reached(5, plugin: "dev.example.trip").sentence.contains("(limit \(limit.name))"))
    }

    @Test func aFileThatCannotBeReadStopsTheStart() async throws {
        for (path, words) in [("/nonexistent/limits.json", "No such file"), ("/tmp", "directory")] {
            let configuration = PluginHostConfiguration(
                folders: [], cacheFolder: "/tmp/unused", workerPath: "/bin/false", limitsFile: path)
            let error = #expect(throws: PluginHostError.self) {
                try PluginHost(
                    configuration: configuration, registry: Registry(), store: MemoryStore(),
                    dispatcher: ToolDispatcher(directory: Registry(), log: .silent), log: .silent)
            }
            #expect(error?.code == "plugin_limits_unusable")
            #expect(error?.sentence.contains(path) == true && error?.sentence.contains(words) == true)
        }
    }

    /// `docs/limits.md` shows the table of the code.
    @Test func documentationIsTrue() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let page = try String(contentsOf: root.appendingPathComponent("docs/limits.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let shown = rows.map { "\($0[0]) \($0[1]) \($0[2])" }
        #expect(
            shown
                == PluginLimit.allCases.map { limit in
                    let (least, most) = (limit.mayBeAbsent ? 0 : limit.range.lowerBound, limit.range.upperBound)
                    return
                        "`\(limit.name)` \(limit.defaultValue == 0 ? "none" : "\(limit.defaultValue)") \(least) to \(most)"
                })
        #expect(rows.allSatisfy { $0.count == 7 && $0.allSatisfy { !$0.isEmpty } })
    }
}
