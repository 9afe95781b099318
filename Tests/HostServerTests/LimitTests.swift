import Foundation
import Testing

/// Limits of plugins as operators and clients meet them.
struct LimitTests {
    private static let fixtures = StartAndStopTests.fixtures
    private static let echo = "dev.agenthost.fixture.echo-c"
    private static let token = "the-admin-token"

    /// A server with this file of limits, and the folder it lies in.
    private func server(_ limits: String, trusted: String) throws -> (ServerProcess, URL) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("limits.json")
        try limits.write(to: file, atomically: true, encoding: .utf8)
        let server = try ServerProcess(
            folder: folder, plugins: [Self.fixtures], trusted: trusted,
            environment: ["AGENTHOST_PLUGIN_LIMITS": file.path, "CHATKIT_ADMIN_TOKEN": Self.token])
        return (server, folder)
    }

    private func metrics(_ server: ServerProcess, accept: String, token: String? = token) throws -> (Int, String) {
        var fields = ["Accept": accept]
        if let token { fields["Authorization"] = "Bearer \(token)" }
        let response = try server.client().open("GET", "/metrics", Data(), fields: fields).readToEnd()
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    @Test(arguments: ["", "*"]) func theClientIsToldWhichLimit(trusted: String) throws {
        let (server, folder) = try server(
            #"{"*": {"turn_requests": 3}, "\#(Self.echo)": {"turn_timers": 2}}"#, trusted: trusted)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (text, limit) in [("chain 4", "turn_requests"), ("greedy", "turn_timers")] {
            let response = try server.client().create(text, agent: "echo-c")
            #expect(response.isComplete)
            let error = try #require(response.events.last)
            #expect(error.type == "error" && error.json["code"] as? String == "plugin_limit")
            #expect(error.json["allow_retry"] as? Bool == true)
            let message = try #require(error.json["message"] as? String)
            #expect(message.contains(Self.echo) && message.contains("(limit \(limit))"), "\(message)")
        }
        #expect(try server.client().create("well then", agent: "echo-c").texts == ["well then"])
        server.stop()
    }

    @Test(arguments: ["", "*"]) func theLogSaysWhatEachTurnUsed(trusted: String) throws {
        let (server, folder) = try server("{}", trusted: trusted)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try server.client().create("chain 3", agent: "echo-c").isComplete)
        #expect(try server.client().create("timers 2", agent: "echo-c").isComplete)
        #expect(try server.client().create("no plugin", agent: "echo").isComplete)
        server.stop()
        let lines = server.log.split(separator: "\n").filter { $0.contains(#""msg":"turn ended""#) }.map {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any] ?? [:]
        }
        #expect(lines.count == 3)
        #expect(lines[0]["host_calls"] as? Int == 3 && lines[0]["open_requests"] as? Int == 1)
        #expect(lines[0]["emitted_bytes"] as? Int == "chained".utf8.count && lines[0]["timers"] as? Int == 0)
        #expect(try #require(lines[0]["plugin_lane_ms"] as? Double) > 0)
        #expect(lines[1]["timers"] as? Int == 2 && lines[1]["host_calls"] as? Int == 0)
        #expect(lines[2]["emitted_bytes"] == nil && lines[2]["plugin_lane_ms"] == nil)
    }

    @Test(arguments: ["", "*"]) func theOperatorReadsTheSums(trusted: String) throws {
        let (server, folder) = try server("{}", trusted: trusted)
        defer { try? FileManager.default.removeItem(at: folder) }
        for _ in 0..<2 { #expect(try server.client().create("chain 3", agent: "echo-c").isComplete) }
        #expect(try metrics(server, accept: "application/json", token: nil).0 == 401)
        #expect(try metrics(server, accept: "application/json", token: "other").0 == 401)
        let (status, text) = try metrics(server, accept: "text/plain")
        #expect(status == 200)
        for line in [
            #"plugin_begun_total{plugin="\#(Self.echo)",generation="1",kind="turn"} 2"#,
            #"plugin_host_calls_total{plugin="\#(Self.echo)",generation="1",service="ap.host.kv/1"} 6"#,
            #"plugin_open{plugin="\#(Self.echo)",generation="1"} 0"#,
            #"plugin_emitted_bytes_total{plugin="\#(Self.echo)",generation="1"} 14"#,
        ] { #expect(text.contains("\n\(line)\n"), "\(line) is not in \(text)") }
        #expect(!text.contains(Self.token))
        let inspected = try server.client().open(
            "GET", "/admin/plugins/\(Self.echo)", Data(), fields: ["Authorization": "Bearer \(Self.token)"]
        ).readToEnd()
        let generations = try #require(inspected.json["generations"] as? [[String: Any]])
        let metering = try #require(generations.last?["metering"] as? [String: Any])
        #expect((metering["begun"] as? [String: Int])?["turn"] == 2)
        #expect((metering["limits"] as? [String: Int])?["memory_mb"] == 512)
        let flat = try metrics(server, accept: "application/json").1
        let object = try #require(JSONSerialization.jsonObject(with: Data(flat.utf8)) as? [String: Int])
        #expect(object["turns_total"] == 2)
        #expect(try #require(object["gateway_requests_total"]) >= 6)
        server.stop()
        #expect(!server.log.contains(Self.token))
    }

    @Test(arguments: [
        (#"{"*": {"memory": 1}}"#, #""*" has the unknown limit "memory""#), ("{", "is not JSON"),
        (#"{"dev.example.trip": {"threads": -1}}"#, #""dev.example.trip".threads must be a whole number"#),
    ]) func aFileThatIsWrongKeepsTheServerFromStarting(_ limits: String, _ words: String) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("limits-\(UUID().uuidString).json")
        try limits.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try runHostServer(["serve", "--port", "0", "--plugin-limits", file.path], input: "")
        #expect(result.status == 1)
        #expect(result.errors.contains(file.path) && result.errors.contains(words), "\(result.errors)")
    }

    /// A plugin in Swift, whose handlers are tasks: in process they run on threads of the plugin, not on the pool that is the host's too.
    @Test func handlersInSwiftHaveThreadsOfTheirOwn() throws {
        let server = try ServerProcess(trusted: "*")
        #expect(try server.client().create("Add a task to buy milk", agent: "TodoTasks").isComplete)
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server.pid)/task").map { thread in
            (try? String(contentsOfFile: "/proc/\(server.pid)/task/\(thread)/comm", encoding: .utf8)) ?? ""
        }
        #expect(names.contains("plugin-swift\n"), "\(names)")
        server.stop()
    }
}
