import Foundation
import Synchronization
import Testing

/// A real `host-server` process with a database and a cache of its own, stopped and cleaned up when it goes out of scope.
final class ServerProcess: Sendable {
    /// Where the database and everything else of this server lies; shared by the restarts of one test.
    let folder: URL
    let port: UInt16
    private let process: Process
    private let logURL: URL
    private let removesFolder: Bool

    struct DidNotStart: Error { var output: String, log: String, status: Int32 }

    /// The folder that holds the programs under test.
    static let products: URL = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent()

    /// Starts a server and waits until it listens.
    ///
    /// - Parameters:
    ///   - folder: of an earlier server, to continue on its database; nil makes a new one.
    ///   - plugins: plugin folders; nil takes the bundled plugins.
    init(
        folder: URL? = nil, plugins: [URL]? = nil, trusted: String = "", environment: [String: String] = [:],
        arguments: [String] = []
    ) throws {
        let own = folder ?? FileManager.default.temporaryDirectory.appendingPathComponent("hs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        self.folder = own
        removesFolder = folder == nil
        logURL = own.appendingPathComponent("log-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: logURL.path, contents: nil)
        let process = Process()
        process.executableURL = ServerProcess.products.appendingPathComponent("host-server")
        process.arguments = ["serve", "--port", "0"] + arguments
        process.currentDirectoryURL = own
        process.environment = ServerProcess.environment(folder: own, plugins: plugins, trusted: trusted)
            .merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: logURL)
        try process.run()
        self.process = process
        let text = ServerProcess.readUntilListening(output.fileHandleForReading)
        guard let match = text.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/), let port = UInt16(match.1) else {
            process.waitUntilExit()
            throw DidNotStart(
                output: text, log: (try? String(contentsOf: logURL, encoding: .utf8)) ?? "",
                status: process.terminationStatus)
        }
        self.port = port
    }

    static func environment(folder: URL, plugins: [URL]?, trusted: String) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        for name in environment.keys
        where ["CHATKIT_", "AGENTHOST_", "OPENAI_"].contains(where: name.hasPrefix)
            || name.lowercased().hasSuffix("_proxy")
        {
            environment[name] = nil
        }
        environment["CHATKIT_DB_URL"] = "sqlite:///\(folder.path)/chatkit.db"
        environment["AGENTHOST_CACHE"] = folder.appendingPathComponent("cache").path
        environment["AGENTHOST_TRUSTED"] = trusted
        environment["SWIFT_BACKTRACE"] = "enable=no"
        if let plugins { environment["AGENTHOST_PLUGINS"] = plugins.map(\.path).joined(separator: ":") }
        return environment
    }

    private static func readUntilListening(_ handle: FileHandle) -> String {
        var text = Data()
        while true {
            let chunk = handle.availableData
            if chunk.isEmpty { break }
            text += chunk
            if text.contains(10) { break }
        }
        return String(decoding: text, as: UTF8.self)
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if removesFolder { try? FileManager.default.removeItem(at: folder) }
    }

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// Sends the signal and waits for the end. Answers the exit status, or minus the signal that ended it.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Int32 {
        kill(process.processIdentifier, signal)
        return waitForExit()
    }

    func signal(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func waitForExit() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus
    }

    /// What is written by now: it may end in the middle of a character.
    var log: String { String(decoding: (try? Data(contentsOf: logURL)) ?? Data(), as: UTF8.self) }

    /// Waits until a log line contains `text`.
    func waitForLog(_ text: String, seconds: Double = 10) -> Bool {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            if log.contains(text) { return true }
            usleep(20_000)
        }
        return false
    }

    var logPath: String { logURL.path }

    /// Its child processes: workers.
    func children() -> [Int32] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return tasks.flatMap { task in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// How many processes there are in a process group, zombies aside.
    func processes(inGroup group: Int32) -> Int {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { name in
            guard Int(name) != nil, let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let end = stat.lastIndex(of: ")")
            else { return false }
            let fields = stat[end...].split(separator: " ")
            return fields.count > 3 && fields[1] != "Z" && fields[3] == "\(group)"
        }.count
    }

    func client(user: String? = nil) -> ChatKitClient { ChatKitClient(port: port, user: user) }
}

/// Runs the program to its end and answers what it said.
func runHostServer(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil
) throws -> (status: Int32, output: String, errors: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    process.executableURL = ServerProcess.products.appendingPathComponent("host-server")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ServerProcess.environment(folder: folder, plugins: nil, trusted: "").merging(environment) {
        $1
    }
    let output = folder.appendingPathComponent("out")
    let errors = folder.appendingPathComponent("err")
    for url in [output, errors] { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    let stdin = Pipe()
    process.standardInput = stdin
    try process.run()
    if let input { stdin.fileHandleForWriting.write(Data(input.utf8)) }
    try stdin.fileHandleForWriting.close()
    process.waitUntilExit()
    return (
        process.terminationStatus, try String(contentsOf: output, encoding: .utf8),
        try String(contentsOf: errors, encoding: .utf8)
    )
}
