import Foundation
import Testing

@testable import AgentHost

struct ConfigurationTests {
    func sources(
        environment: [String: String] = [:], dotEnv: [String: String] = [:], flags: [String: String] = [:]
    ) -> SettingSources {
        SettingSources(environment: environment, dotEnv: dotEnv, flags: flags)
    }

    @Test func laterSourcesWin() throws {
        let environment = ["CHATKIT_SERVER_PORT": "1"]
        #expect(try Configuration(sources()).port == 8000)
        #expect(try Configuration(sources(environment: environment)).port == 1)
        #expect(try Configuration(sources(environment: environment, dotEnv: ["PORT": "2"])).port == 2)
        #expect(
            try Configuration(sources(environment: environment, dotEnv: ["PORT": "2"], flags: ["port": "3"])).port == 3)
    }

    @Test(arguments: TurnPolicy.allCases) func turnPolicies(_ policy: TurnPolicy) throws {
        #expect(
            try Configuration(sources(environment: ["AGENTHOST_TURN_POLICY": policy.rawValue])).turnPolicy == policy)
        #expect(try Configuration(sources()).turnPolicy == .queue)
    }

    @Test func theFirstOfSeveralNamesWins() throws {
        #expect(
            try Configuration(sources(environment: ["PORT": "1", "CHATKIT_SERVER_PORT": "2", "GATEWAY_PORT": "3"])).port
                == 2)
    }

    @Test(arguments: [
        (["port": "65536"], "--port"), (["port": "-1"], "--port"), (["db-url": "postgres://x"], "sqlite:///"),
        (["log-level": "loud"], "--log-level"), (["drain-seconds": "x"], "--drain-seconds"),
        (["host": "0.0.0.0"], "--insecure"),
        (["max-history": "0"], "--max-history"), (["turn-policy": "Queue"], "--turn-policy"),
    ]) func refusals(_ flags: [String: String], _ words: String) {
        let error = #expect(throws: ConfigurationError.self) { try Configuration(sources(flags: flags)) }
        #expect(error?.description.contains(words) == true)
    }

    @Test(arguments: [("sqlite:///./chatkit.db", "./chatkit.db"), ("sqlite:////var/x.db", "/var/x.db")])
    func databaseURLs(_ url: String, _ path: String) throws {
        #expect(try Configuration(sources(flags: ["db-url": url])).databasePath == path)
    }

    @Test func dotEnv() {
        let text = "# comment\nA=1\n export B = \"two words\" \nC='x#y'\nD=plain # note\nE=\nnonsense\nF=a=b\r\n"
        #expect(
            SettingSources.parseDotEnv(text) == [
                "A": "1", "B": "two words", "C": "x#y", "D": "plain", "E": "", "F": "a=b",
            ])
    }

    @Test func flags() throws {
        let (flags, rest) = try SettingSources.parseFlags([
            "TodoTasks", "--port=1", "--db-url", "x", "--insecure", "add", "it",
        ])
        #expect(flags == ["port": "1", "db-url": "x", "insecure": "1"])
        #expect(rest == ["TodoTasks", "add", "it"])
    }

    /// `docs/configuration.md` and `.env.example` show exactly the table of the code.
    @Test func documentationIsTrue() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").map(String.init).filter { $0.hasPrefix("| `") }
        #expect(rows == Setting.all.map(\.documentationRow))
        let example = try String(contentsOf: root.appendingPathComponent(".env.example"), encoding: .utf8)
        for setting in Setting.all { #expect(example.contains("# \(setting.variables[0])=\(setting.defaultValue)\n")) }
    }
}

extension Setting {
    var documentationRow: String {
        let names = variables.map { "`\($0)`" }.joined(separator: ", ")
        return
            "| \(names) | \(flag.map { "`--\($0)`" } ?? "") | \(defaultValue.isEmpty ? "" : "`\(defaultValue)`") | \(summary) |"
    }
}
