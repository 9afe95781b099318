import Testing

@testable import AgentHost

struct MetricsEndpointTests {
    private let admin = ("Authorization", "Bearer \(Door.adminToken)")

    @Test(
        arguments: [
            [], [("Authorization", "Bearer wrong")], [("X-User-ID", "admin")], [("Authorization", Door.adminToken)],
        ] as [[(String, String)]])
    func onlyTheOperatorReadsThem(_ fields: [(String, String)]) async throws {
        let response = try await Door().send("GET", "/metrics", fields)
        #expect(response.status == 401)
        #expect(response.code == "unauthorized")
        #expect(response.fields["www-authenticate"] == "Bearer")
    }

    @Test func aFlatObjectOfIntegers() async throws {
        let door = try Door()
        _ = await door.send("GET", "/healthz")
        _ = await door.send("POST", "/chatkit")
        _ = await door.send("BREW", "/coffee")
        let turn = await door.call("threads.create", ["input": Door.input("hi")])
        #expect(turn.status == 200)
        var response = await door.send("GET", "/metrics", [admin])
        var looks: Int64 = 1
        // A turn is counted when it is over, a moment after its last event.
        while response.json["turns_total"]?.int != 1 && looks < 200 {
            try await Task.sleep(for: .milliseconds(20))
            response = await door.send("GET", "/metrics", [admin])
            looks += 1
        }
        #expect(response.status == 200)
        #expect(response.fields["content-type"] == "application/json")
        #expect(response.fields["cache-control"] == "no-store")
        let members = try #require(response.json.object).members
        #expect(members.allSatisfy { $0.value.int != nil }, "\(response.text)")
        let expected: [String: Int64] = [
            "gateway_requests_total": 4 + looks, "gateway_requests_method_GET_total": 1 + looks,
            "gateway_requests_method_POST_total": 2,
            "gateway_requests_method_OTHER_total": 1, "gateway_responses_status_200_total": 1 + looks,
            "gateway_responses_status_400_total": 1, "gateway_responses_status_404_total": 1, "turns_open": 0,
            "turns_total": 1, "turns_outcome_completed_total": 1,
        ]
        for (name, value) in expected { #expect(response.json[name]?.int == value, "\(name): \(response.text)") }
        #expect(try #require(response.json["process_resident_memory_bytes"]?.int) > 1 << 20)
        #expect(try #require(response.json["process_threads"]?.int) > 0)
    }

    @Test(arguments: [
        "text/plain", "text/plain; version=0.0.4",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    ])
    func theTextOfPrometheus(_ accept: String) async throws {
        let response = try await Door().send("GET", "/metrics", [admin, ("Accept", accept)])
        #expect(response.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(response.text.contains("# TYPE gateway_requests_total counter\ngateway_requests_total 1\n"))
        #expect(response.text.contains("\ngateway_requests_method_total{method=\"GET\"} 1\n"))
        for line in response.text.split(separator: "\n") where !line.hasPrefix("# ") {
            #expect(
                line.wholeMatch(of: /[a-z_:][a-z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9]+/) != nil,
                "\(line)")
        }
    }

    @Test(arguments: ["application/json", "*/*", ""]) func everybodyElseGetsJSON(_ accept: String) async throws {
        let response = try await Door().send("GET", "/metrics", [admin, ("Accept", accept)])
        #expect(response.fields["content-type"] == "application/json")
    }
}
