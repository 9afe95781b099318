import Testing

@testable import AgentHost

struct ManifestTests {
    private static let least: JSON = ["abi": 1, "id": "dev.example.trip", "name": "trip", "version": "1.4.0"]

    private func manifest(_ changes: [String: JSON?]) throws -> Manifest {
        var object = ManifestTests.least.object ?? JSONObject()
        for (key, value) in changes { object[key] = value }
        return try Manifest(parsing: JSON.object(object).encoded)
    }

    /// The sentence with which the changed manifest is refused.
    private func refusal(_ changes: [String: JSON?]) -> String? {
        do {
            _ = try manifest(changes)
            return nil
        } catch { return (error as? ManifestError)?.sentence }
    }

    @Test func theLeastManifestHasDefaults() throws {
        let manifest = try manifest(["unknown": ["ignored": true], "agents": .null])
        #expect(manifest.library == nil && manifest.tools.isEmpty && manifest.agents.isEmpty && !manifest.isSerial)
        #expect(manifest.permissions == Manifest.Permissions() && manifest.drainSeconds == 10)
    }

    @Test func everythingIsRead() throws {
        let manifest = try manifest([
            "library": "libTrip.so", "requires": ["ap.host.turn/1"], "uses": ["ap.host.kv/1"], "serial": true,
            "drain_seconds": 3, "config_schema": ["type": "object"],
            "permissions": ["kv": ["user", "thread"], "http": ["a.example:443"], "memory_mb": 64, "threads": 4],
            "agents": [
                [
                    "id": "trip", "kind": "declarative", "instructions": "Plan.", "offline_model": "rules",
                    "tools": ["look_up", "dev.other.maps/*", "agent/raw"], "handoffs": ["raw"], "hooks": ["after_tool"],
                    "max_steps": 3,
                    "description": "Plans trips.",
                ],
                [
                    "id": "raw", "kind": "coded", "mode": "blocking",
                    "accepts": ["action", "sync_action", "feedback", "transcription"],
                ],
            ],
            "tools": [
                ["name": "locate", "mode": "client"],
                ["name": "look_up", "timeout_ms": 300, "read_only": true, "input_schema": ["type": "object"]],
            ],
            "models": [["id": "rules"]],
        ])
        #expect(manifest.permissions.kv == [.user, .thread] && manifest.permissions.memoryMegabytes == 64)
        #expect(manifest.agents[0].model == "default" && manifest.agents[0].offlineModel == "rules")
        #expect(manifest.agents[0].maxSteps == 3 && manifest.agents[1].mode == .blocking)
        #expect(manifest.agents[0].tools == ["look_up", "dev.other.maps/*"] && manifest.agents[0].agents == ["raw"])
        #expect(manifest.agents[0].handoffs == ["raw"] && manifest.agents[0].description == "Plans trips.")
        #expect(manifest.agents[0].hooks == [.afterTool])
        #expect(manifest.agents[0].accepts == [] && manifest.agents[1].accepts.count == 4)
        #expect(manifest.tools[0].runsInClient && !manifest.tools[1].runsInClient)
        #expect(manifest.tools[1].timeout == 300 && manifest.tools[1].isReadOnly && !manifest.tools[1].isDestructive)
        #expect(manifest.isSerial && manifest.drainSeconds == 3 && manifest.library == "libTrip.so")
    }

    @Test(
        arguments: [
            (["id": .none], "id is missing"),
            (["id": "trip"], "reverse domain"), (["id": "dev.Example.trip"], "reverse domain"),
            (["id": "dev..trip"], "reverse domain"), (["id": 7], "id must be a string"),
            (["abi": 2], "abi is 2, this host speaks 1"), (["abi": .none], "abi is missing"),
            (["name": "my trip"], "name \"my trip\" must be a string that matches [A-Za-z0-9_-]{1,64}"),
            (["version": "one"], "version \"one\" must be"), (["version": "1..2"], "version"),
            (["library": "../evil.so"], "bare file name"), (["library": "a/b.so"], "bare file name"),
            (["library": ".."], "bare file name"),
            (
                ["tools": [["name": "a"], ["name": "b"], ["name": "a.b"]]],
                "tools[2].name \"a.b\" must be a string that matches"
            ),
            (["tools": [["name": "a"], ["name": "a"]]], "tools[1] repeats the name \"a\""),
            (["tools": ["a"]], "tools[0] must be an object"), (["tools": "a"], "tools must be an array of objects"),
            (["tools": [["name": "a", "timeout_ms": 0]]], "tools[0].timeout_ms must be a whole number from 1"),
            (["tools": [["name": "a", "input_schema": "x"]]], "tools[0].input_schema must be a JSON Schema"),
            (["tools": [["name": "a", "input_schema": ["type": "objekt"]]]], "must be the schema of an object"),
            (["tools": [["name": "a", "input_schema": ["type": "array"]]]], "must be the schema of an object"),
            (["tools": [["name": "a", "read_only": 1]]], "tools[0].read_only must be true or false"),
            (["agents": [["id": "a"]]], "agents[0].kind must be one of \"declarative\", \"coded\""),
            (["agents": [["id": "a", "kind": "coded", "mode": "fast"]]], "agents[0].mode must be one of"),
            (["agents": [["id": "a", "kind": "declarative", "tools": ["b"]]]], "agents[0].tools names \"b\""),
            (["agents": [["id": "a", "kind": "declarative", "offline_model": "b"]]], "agents[0].offline_model \"b\""),
            (
                ["tools": [["name": "a", "mode": "browser"]]],
                "tools[0].mode must be one of \"event\", \"blocking\", \"client\""
            ),
            (["agents": [["id": "a", "kind": "coded", "accepts": ["retry"]]]], "agents[].accepts holds \"retry\""),
            (["agents": [["id": "a", "kind": "declarative", "accepts": ["action"]]]], "is for coded agents"),
            (["agents": [["id": "a", "kind": "declarative", "tools": ["agent/*"]]]], "must name one agent"),
            (["agents": [["id": "a", "kind": "declarative", "tools": ["agent/"]]]], "must name one agent"),
            (["agents": [["id": "a", "kind": "declarative", "tools": ["agent/a"]]]], "names itself"),
            (["agents": [["id": "a", "kind": "declarative", "handoffs": ["b", "b"]]]], "another agent twice"),
            (["agents": [["id": "a", "kind": "declarative", "handoffs": ["b c"]]]], "agents[0].handoffs[0] \"b c\""),
            (["agents": [["id": "a", "kind": "declarative", "handoffs": "b"]]], "agents[0].handoffs must be an array"),
            (["agents": [["id": "a", "kind": "declarative", "hooks": ["before"]]]], "agents[].hooks holds \"before\""),
            (["agents": [["id": "a", "kind": "coded", "hooks": ["before_tool"]]]], "is for declarative agents"),
            (["agents": [["id": "a", "kind": "coded", "handoffs": ["b"]]]], "is coded"),
            (["agents": [["id": "a", "kind": "coded", "tools": ["agent/b"]]]], "is coded"),
            (["permissions": ["kv": ["all"]]], "permissions.kv holds \"all\""),
            (["permissions": []], "permissions must be"),
            (["requires": ["a b"]], "requires[0] \"a b\" must be"), (["drain_seconds": -1], "drain_seconds must be"),
            (["serial": "yes"], "serial must be true or false"),
        ] as [([String: JSON?], String)])
    func refusedWithASentenceThatNamesTheMember(_ changes: [String: JSON?], _ sentence: String) {
        #expect(refusal(changes)?.contains(sentence) == true, "\(refusal(changes) ?? "was accepted")")
    }

    @Test(arguments: ["", "{", "[]", "null", "{\"abi\":1,\"abi\":1}"])
    func whatIsNoManifestIsRefused(_ text: String) {
        #expect(throws: ManifestError.self) { try Manifest(parsing: Array(text.utf8)) }
    }

    @Test func aHugeManifestIsRefused() {
        #expect(throws: ManifestError(sentence: "plugin.json is larger than 1048576 bytes")) {
            try Manifest(parsing: [UInt8](repeating: 32, count: Manifest.limit + 1))
        }
    }

    @Test(arguments: ["1", "1.4", "1.4.0", "1.4.0-beta.2", "0.0.1+build7"])
    func versionsThatAreFine(_ version: String) throws {
        #expect(try manifest(["version": .string(version)]).version == version)
    }
}
