import Foundation
import Testing

/// Agents that are driven by a model's server.
struct ModelTests {
    @Test(arguments: ["chat", "responses"]) func theLoopWithToolsIsTheSameOverBothAPIs(api: String) throws {
        let fake = try FakeModelServer()
        try fake.set([
            "rules": [
                ["match": "^add (.+)", "tool": "add_task", "args": ["title": "\\1"], "after": "Added \\1."],
                ["match": "^hi", "text": "Hello"],
            ]
        ])
        let host = try fake.host(["AGENTHOST_MODEL_API": api])
        let client = host.client(user: "ann")
        let added = try client.create("add buy milk", agent: "TodoTasks")
        #expect(added.texts == ["Added buy milk."])
        #expect(added.events.contains { $0.item?["type"] as? String == "workflow" }, "the call is shown")
        let thread = try #require(added.threadID)
        #expect(try client.say("hi", in: thread).texts == ["Hello"])
        let requests = try fake.requests()
        #expect(requests.count == 3)
        for request in requests {
            #expect(request["path"] as? String == (api == "chat" ? "/v1/chat/completions" : "/v1/responses"))
            #expect(request["model"] as? String == "fake" && request["stream"] as? Bool == true)
            #expect((request["auth"] as? String)?.hasPrefix("Bearer ") == true)
        }
        // The model is told what was called and what came of it, also in the next turn.
        let last = try #require(requests.last?["body"] as? [String: Any])
        let history = try #require((last["messages"] ?? last["input"]) as? [[String: Any]])
        let outputs = history.filter {
            $0["role"] as? String == "tool" || $0["type"] as? String == "function_call_output"
        }
        #expect(outputs.count == 1)
        #expect(host.stop() == 0)
    }

    @Test func thePersonChoosesModelAndTool() throws {
        let fake = try FakeModelServer()
        let host = try fake.host(["AGENTHOST_MODEL_CHOICES": "big,small"])
        for (wanted, asked) in [("small", "small"), ("other", "fake")] {
            let stream = try host.client().create("hello", agent: "TodoTasks", model: wanted, tool: "list_tasks")
            #expect(stream.readToEnd().isComplete)
            let body = try #require(try fake.requests().last?["body"] as? [String: Any])
            #expect(body["model"] as? String == asked)
            let choice = (body["tool_choice"] as? [String: Any])?["function"] as? [String: Any]
            #expect(choice?["name"] as? String == "list_tasks")
        }
    }

    @Test func withoutAModelAgentsUseTheirOwn() throws {
        let host = try ServerProcess()
        #expect(
            try host.client().create("add a task to buy milk", agent: "TodoTasks").texts.joined().contains("uy milk"))
    }

    @Test func theNextProviderAnswersWhenTheFirstFails() throws {
        let broken = try FakeModelServer(arguments: ["--mode", "503"])
        let good = try FakeModelServer()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let keyFile = folder.appendingPathComponent("key")
        try Data((FakeModelServer.key + "\n").utf8).write(to: keyFile)
        let table: [String: Any] = [
            "providers": [
                "first": ["base_url": broken.baseURL, "model": "a", "api_key_env": "FIRST_KEY"],
                "second": ["base_url": good.baseURL, "model": "b", "api_key_file": keyFile.path],
                "azure": [
                    "base_url": good.baseURL + "/deployments/d", "model": "c", "api_key_file": keyFile.path,
                    "auth": "api-key",
                    "api_version": "2024-10-21",
                ],
            ], "chain": ["first", "second"], "agents": ["TripPlanner": "offline"],
        ]
        let file = folder.appendingPathComponent("models.json")
        try JSONSerialization.data(withJSONObject: table).write(to: file)
        let host = try ServerProcess(
            environment: ["FIRST_KEY": FakeModelServer.key, "AGENTHOST_MODEL_RETRIES": "0"],
            arguments: ["--models", file.path])
        #expect(try host.client().create("hello", agent: "TodoTasks").texts == ["You said: hello"])
        #expect(try good.requests().last?["model"] as? String == "b")
        #expect(host.log.contains(#""next":"next provider""#) && !host.log.contains("canary"))
        #expect(
            try host.client().create("Plan a trip to Vienna", agent: "TripPlanner").texts.joined().contains("budget"),
            "offline")
        // Named by the request: another place, another way to show the key.
        _ = try host.client().create("hello", agent: "TodoTasks", model: "azure/gpt").readToEnd()
        let azure = try #require(
            try good.requests().first { ($0["path"] as? String)?.contains("deployments") == true })
        #expect(azure["model"] as? String == "gpt" && azure["auth"] is NSNull)
        #expect((azure["headers"] as? [String: String])?["api-key"] == FakeModelServer.key)
    }

    @Test func keysAreNowhereToBeSeen() throws {
        let fake = try FakeModelServer()
        let host = try fake.host(["AGENTHOST_LOG_LEVEL": "trace"])
        #expect(try host.client().create("call list_tasks {}", agent: "TodoTasks").texts.joined().contains("Tool said"))
        let children = try String(contentsOfFile: "/proc/\(host.pid)/task/\(host.pid)/children", encoding: .utf8)
        var pids = children.split(separator: " ").compactMap { Int32($0) }
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(host.pid)/task") {
            let more = (try? String(contentsOfFile: "/proc/\(host.pid)/task/\(thread)/children", encoding: .utf8)) ?? ""
            pids += more.split(separator: " ").compactMap { Int32($0) }
        }
        #expect(!pids.isEmpty, "plugins run in workers")
        for pid in pids + [host.pid] {
            let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
            #expect(!String(decoding: environment, as: UTF8.self).contains("canary"), "process \(pid)")
            let arguments = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            #expect(!String(decoding: arguments, as: UTF8.self).contains("canary"), "process \(pid)")
        }
        #expect(!host.log.contains("canary"))
    }

    @Test func aBadSettingStopsTheStart() throws {
        for (environment, words) in [
            (["OPENAI_BASE_URL": "nowhere"], "OPENAI_BASE_URL"),
            (["AGENTHOST_MODELS": "/nowhere.json"], "/nowhere.json"),
            (["OPENAI_API_KEY": "sk-canary x"], "OPENAI_API_KEY"),
        ] {
            let result = try runHostServer(["serve", "--port", "0"], environment: environment)
            #expect(result.status == 1 && result.errors.contains(words) && !result.errors.contains("canary"))
        }
    }
}
