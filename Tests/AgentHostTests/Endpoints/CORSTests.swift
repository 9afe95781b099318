import Testing

@testable import AgentHost

struct CORSTests {
    private static let page = ("Origin", "https://page.example")

    @Test(arguments: ["/chatkit", "/api/chatkit", "/healthz", "/nothing", "*"])
    func preflight(_ path: String) async throws {
        let asked = ("Access-Control-Request-Headers", "content-type, x-user-id")
        let response = try await Door().send("OPTIONS", path, [CORSTests.page, asked])
        #expect(response.status == 204)
        #expect(response.body.isEmpty)
        #expect(response.fields["access-control-allow-origin"] == "https://page.example")
        #expect(response.fields["access-control-allow-methods"] == "GET,POST,PUT,PATCH,DELETE,OPTIONS")
        #expect(response.fields["access-control-allow-headers"] == "content-type, x-user-id")
        #expect(response.fields["access-control-max-age"] == "600")
        #expect(response.fields["access-control-allow-credentials"] == nil)
    }

    @Test func preflightOfNobody() async throws {
        let response = try await Door().send("OPTIONS", "/chatkit")
        #expect(response.fields["access-control-allow-origin"] == "*")
        #expect(response.fields["access-control-allow-headers"] == "Content-Type, Authorization")
    }

    @Test func answersAndRefusalsAreOpen() async throws {
        let door = try Door()
        for response in [
            await door.send("POST", "/chatkit", [CORSTests.page]), await door.send("GET", "/healthz", [CORSTests.page]),
            await door.send("GET", "/nothing", [CORSTests.page]),
        ] {
            #expect(response.fields["access-control-allow-origin"] == "https://page.example")
            #expect(response.fields["vary"] == "Origin")
            #expect(
                response.fields["access-control-expose-headers"]
                    == "ETag, Content-Disposition, X-Request-ID, Mcp-Session-Id")
        }
    }

    @Test func onlyListedOriginsWithCredentials() async throws {
        let door = try Door(cors: CORS(origins: ["https://page.example"]))
        let listed = await door.send("GET", "/healthz", [CORSTests.page])
        #expect(listed.fields["access-control-allow-origin"] == "https://page.example")
        #expect(listed.fields["access-control-allow-credentials"] == "true")
        for headers in [[("Origin", "https://page.example.evil")], [("Origin", "null")], []] {
            for method in ["GET", "OPTIONS"] {
                let other = await door.send(method, "/healthz", headers)
                #expect(other.fields["access-control-allow-origin"] == nil)
                #expect(other.fields["access-control-allow-credentials"] == nil)
                #expect(other.fields["vary"] == "Origin")
            }
        }
    }
}
