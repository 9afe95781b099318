import Foundation
import Testing

/// How the program starts, refuses to start, and stops.
struct StartAndStopTests {
    static let fixtures = ServerProcess.products.appendingPathComponent("fixtures")

    @Test func helpAndVersion() throws {
        let help = try runHostServer(["--help"])
        #expect(help.status == 0)
        #expect(help.output.contains("--db-url"))
        #expect(try runHostServer(["--version"]).output.hasPrefix("host-server "))
    }

    @Test(arguments: [
        (["serve", "--prot", "1"], 2, "--prot is not an option"),
        (["serve", "--port"], 2, "--port needs a value"),
        (["serve", "--port", "banana"], 1, "whole number from 0 to 65535"),
        (["dance"], 2, "\"dance\" is no command"),
        (["serve", "--host", "0.0.0.0"], 1, "--insecure"),
        (["serve", "--db-url", "mysql://x"], 1, "sqlite:///"),
        (["serve", "--db-url", "sqlite:////proc/nowhere/chat.db"], 1, "/proc/nowhere"),
        (["serve", "--plugins", "/does/not/exist"], 1, "/does/not/exist"),
        (["chat", "Nobody"], 1, "TodoTasks"),
        (["chat"], 2, "id of an agent"),
    ]) func refusesWithOneSentence(_ arguments: [String], _ status: Int32, _ words: String) throws {
        let result = try runHostServer(arguments, input: "")
        #expect(result.status == status)
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(
            result.errors.split(separator: "\n").filter { $0.hasPrefix("host-server: ") }.count == 1, "one sentence")
    }

    @Test func refusesABusyPort() throws {
        let server = try ServerProcess()
        let result = try runHostServer(["serve", "--port", "\(server.port)"])
        #expect(result.status == 1)
        #expect(result.errors.contains("\(server.port)"))
    }

    @Test func stopsCleanlyWhenIdle() throws {
        #expect(try ServerProcess().stop() == 0)
    }

    @Test func aRunningTurnMayEndBeforeTheServerDoes() throws {
        let server = try ServerProcess(plugins: [Self.fixtures])
        let stream = try server.client().open(
            "threads.create", ["input": ChatKitClient.input("slow 50")], agent: "echo-c")
        #expect(stream.readUntil { $0.contains { $0.type == "thread.item.updated" } })
        server.signal(SIGTERM)
        let response = stream.readToEnd()
        #expect(response.isComplete)
        #expect(response.events.last?.type == "thread.item.done")
        #expect(server.waitForExit() == 0)
    }

    @Test func aTurnThatTakesTooLongIsCutAtTheEndOfTheDrainTime() throws {
        let server = try ServerProcess(
            plugins: [Self.fixtures], environment: ["AGENTHOST_DRAIN_SECONDS": "1"])
        let streams = try (0..<10).map { _ in
            try server.client().open("threads.create", ["input": ChatKitClient.input("slow 5000")], agent: "echo-c")
        }
        for stream in streams { #expect(stream.readUntil { $0.contains { $0.type == "thread.item.updated" } }) }
        let began = Date()
        #expect(server.stop() == 0)
        #expect(Date().timeIntervalSince(began) < 15)
        for stream in streams {
            let response = stream.readToEnd()
            #expect(response.isComplete)
            #expect(response.events.last?.type == "error", "every client reads why the answer ends")
            #expect(response.events.last?.json["allow_retry"] as? Bool == true)
        }
    }

    @Test func badPluginsAreNamedAndTheServerRunsOn() throws {
        let bad = Self.fixtures.appendingPathComponent("bad")
        let good = Self.fixtures
        let server = try ServerProcess(plugins: [good, bad])
        #expect(try server.client().create("hello", agent: "echo-c").texts.joined().contains("hello"))
        for entry in try FileManager.default.contentsOfDirectory(atPath: bad.path) {
            #expect(server.waitForLog(entry), "\(entry) is not named in the log")
        }
    }
}
