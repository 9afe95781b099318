import Testing

@testable import AgentHost

struct RouterTests {
    @Test(arguments: [
        ("POST", "/chatkit", "application/json", 400, "invalid_json"),
        ("POST", "/chatkit/", "application/json", 400, "invalid_json"),
        ("POST", "/api/chatkit", "application/json", 400, "invalid_json"),
        ("POST", "/api/chatkit/", "application/json", 400, "invalid_json"),
        ("POST", "/chatkit//", "application/json", 404, "not_found"),
        ("POST", "/Chatkit", "application/json", 404, "not_found"),
        ("POST", "/", "application/json", 404, "not_found"),
        ("GET", "/nothing", "application/json", 404, "not_found"),
        ("GET", "/api/healthz", "application/json", 404, "not_found"),
        ("GET", "/chatkit", "application/json", 405, "method_not_allowed"),
        ("PUT", "/chatkit", "application/json", 405, "method_not_allowed"),
        ("DELETE", "/api/chatkit", "application/json", 405, "method_not_allowed"),
        ("PATCH", "/chatkit", "application/json", 405, "method_not_allowed"),
        ("post", "/chatkit", "application/json", 405, "method_not_allowed"),
        ("POST", "/healthz", "application/json", 405, "method_not_allowed"),
        ("GET", "/chatkit/threads/thr_1/events", "application/json", 404, "not_found"),
        ("GET", "/api/chatkit/threads/thr_1/events/", "application/json", 404, "not_found"),
        ("POST", "/chatkit/threads/thr_1/stop", "application/json", 404, "not_found"),
        ("POST", "/chatkit/threads/thr_1/events", "application/json", 405, "method_not_allowed"),
        ("GET", "/api/chatkit/threads/thr_1/stop", "application/json", 405, "method_not_allowed"),
        ("DELETE", "/chatkit/threads/events/events", "application/json", 405, "method_not_allowed"),
        ("POST", "/chatkit/threads//events", "application/json", 404, "not_found"),
        ("POST", "/chatkit/threads/a/b/events", "application/json", 404, "not_found"),
        ("POST", "/chatkit/threads/events", "application/json", 404, "not_found"),
        ("POST", "/chatkit/threads/*/nothing", "application/json", 404, "not_found"),
    ])
    func table(_ method: String, _ path: String, _ type: String, _ status: Int, _ code: String) async throws {
        let response = try await Door().send(method, path)
        #expect(response.status == status)
        #expect(response.code == code)
        #expect(response.json["error"]?.string?.isEmpty == false)
        #expect(response.fields["content-type"] == type)
        #expect(response.fields["cache-control"] == "no-store")
    }

    @Test func aWrongMethodIsToldTheRightOnes() async throws {
        let door = try Door()
        #expect(await door.send("GET", "/chatkit").fields["allow"] == "OPTIONS, POST")
        #expect(await door.send("POST", "/healthz").fields["allow"] == "GET, HEAD, OPTIONS")
    }

    @Test(arguments: [
        ("/healthz", #"{"status":"ok"}"#), ("/health", #"{"status":"ok"}"#), ("/live", #"{"status":"live"}"#),
        ("/ready", #"{"status":"ready"}"#),
    ])
    func probes(_ path: String, _ body: String) async throws {
        let door = try Door()
        let response = await door.send("GET", path)
        #expect(response.status == 200)
        #expect(response.text == body)
        #expect(await door.send("HEAD", path).status == 200)
    }

    @Test func healthTellsOfAPluginThatRests() async throws {
        let door = try Door()
        let rests = PluginHealth(
            id: "dev.example.bad", version: "1.2.3", mode: .worker, state: .quarantined,
            since: Timestamp(microseconds: 0), reason: "the worker process was ended by SIGSEGV",
            until: Timestamp(microseconds: 1_000_000))
        let serves = PluginHealth(
            id: "dev.example.good", version: "1.0.0", mode: .inProcess, state: .serving,
            since: Timestamp(microseconds: 0))
        var router = Router()
        router.addProbes(store: door.store, plugins: { [rests, serves] })
        func ask(_ path: String) async throws -> (status: Int, json: JSON) {
            let request = EndpointRequest(head: Door.request("GET", path), body: RequestBody(framing: .none) {})
            let answer = try await router.endpoint(for: "GET", path).answer(request)
            guard case .bytes(let bytes) = answer.content else { return (answer.status, .null) }
            return (answer.status, try JSON.parse(bytes))
        }
        let health = try await ask("/health")
        #expect(health.status == 200, "the others serve")
        let expected: JSON = [
            "status": "ok",
            "plugins": [
                [
                    "id": "dev.example.bad", "version": "1.2.3", "mode": "worker", "state": "quarantined",
                    "since": "1970-01-01T00:00:00.000000Z", "reason": "the worker process was ended by SIGSEGV",
                    "until": "1970-01-01T00:00:01.000000Z",
                ],
                [
                    "id": "dev.example.good", "version": "1.0.0", "mode": "in-process", "state": "serving",
                    "since": "1970-01-01T00:00:00.000000Z",
                ],
            ],
        ]
        #expect(health.json == expected)
        #expect(try await ask("/ready").status == 200)
        #expect(try await ask("/healthz").json == ["status": "ok"])
    }

    @Test func healthTellsOfASandboxThatIsNotWhole() async throws {
        let door = try Door()
        var report = SandboxReport(policy: .warn)
        report.read(
            Array(#"{"limits":true,"privileges":true,"landlock":0,"seccomp":true,"landlock_reason":"old"}"#.utf8))
        var router = Router()
        router.addProbes(store: door.store, sandbox: { [report] in report })
        let request = EndpointRequest(head: Door.request("GET", "/health"), body: RequestBody(framing: .none) {})
        let answer = try await router.endpoint(for: "GET", "/health").answer(request)
        guard case .bytes(let bytes) = answer.content else {
            Issue.record("no JSON")
            return
        }
        let expected: JSON = [
            "status": "ok",
            "sandbox": [
                "state": "partial", "policy": "warn", "landlock": 0,
                "missing": [["part": "landlock", "reason": "old"]],
            ],
        ]
        #expect(answer.status == 200)
        #expect(try JSON.parse(bytes) == expected)
    }

    @Test func probesTellOfAStoreThatFails() async throws {
        let door = try Door()
        await door.store.close()
        for path in ["/healthz", "/health", "/ready"] {
            let response = await door.send("GET", path)
            #expect(response.status == 503, "\(path)")
            #expect(response.json["status"] == "unavailable")
            #expect(response.json["error"]?.string?.isEmpty == false)
        }
        #expect(await door.send("GET", "/live").status == 200)
    }

    @Test func aServerThatStopsIsNotReady() async throws {
        let door = try Door()
        var router = Router()
        router.addProbes(store: door.store, isDraining: { true })
        let request = EndpointRequest(head: Door.request("GET", "/ready"), body: RequestBody(framing: .none) {})
        #expect(try await router.endpoint(for: "GET", "/ready").answer(request).status == 503)
        #expect(try await router.endpoint(for: "GET", "/healthz").answer(request).status == 200)
    }
}
