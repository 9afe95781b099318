import Foundation

/// A model's server that answers from a script, or with a fault (`Tests/Models/fake_llm.py`).
final class FakeModelServer: Sendable {
    /// The key it wants; nowhere else may it be seen.
    static let key = "sk-canary-7d1f0c"

    let port: UInt16
    private let process: Process

    struct DidNotStart: Error { var output: String }

    init(arguments: [String] = []) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Models/fake_llm.py").standardizedFileURL
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-B", script.path, "--port", "0", "--key", Self.key] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        self.process = process
        var text = Data()
        while !text.contains(10) {
            let chunk = output.fileHandleForReading.availableData
            if chunk.isEmpty { break }
            text += chunk
        }
        let line = String(decoding: text, as: UTF8.self)
        guard let match = line.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/), let port = UInt16(match.1) else {
            process.terminate()
            throw DidNotStart(output: line)
        }
        self.port = port
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    var baseURL: String { "http://127.0.0.1:\(port)/v1" }

    /// A host that asks this server.
    func host(_ environment: [String: String] = [:], arguments: [String] = []) throws -> ServerProcess {
        let settings = ["OPENAI_BASE_URL": baseURL, "OPENAI_API_KEY": Self.key, "CHATKIT_MODEL": "fake"]
        return try ServerProcess(environment: settings.merging(environment) { $1 }, arguments: arguments)
    }

    /// What a control path answers.
    func control(_ path: String) throws -> [String: Any] {
        try answer("GET", path).json
    }

    func set(_ settings: [String: Any]) throws {
        let body = try JSONSerialization.data(withJSONObject: settings)
        _ = try answer("POST", "set", body)
    }

    /// The requests as they came, oldest first.
    func requests() throws -> [[String: Any]] {
        (try JSONSerialization.jsonObject(with: try answer("GET", "requests").body)) as? [[String: Any]] ?? []
    }

    /// The faults it can play.
    func modes() throws -> [String] {
        (try JSONSerialization.jsonObject(with: try answer("GET", "modes").body)) as? [String] ?? []
    }

    private func answer(_ method: String, _ path: String, _ body: Data = Data()) throws -> ChatKitClient.Response {
        try ChatKitClient(port: port, user: nil).open(method, "/__" + path, body).readAnswer()
    }
}

extension ChatKitClient {
    /// Begins a thread with a message and a model for it.
    func create(_ text: String, agent: String, model: String, tool: String? = nil) throws -> ResponseStream {
        var options: [String: Any] = ["model": model]
        if let tool { options["tool_choice"] = ["id": tool] }
        var input = Self.input(text)
        input["inference_options"] = options
        return try open("threads.create", ["input": input], agent: agent)
    }
}

/// Runs blocking work on threads of its own, all at once, and waits for it.
func onThreads<Value: Sendable, Result: Sendable>(
    _ values: [Value], _ body: @escaping @Sendable (Value) -> Result
) -> [Result] {
    let results = Locked<[Int: Result]>([:])
    let group = DispatchGroup()
    for (index, value) in values.enumerated() {
        group.enter()
        Thread.detachNewThread {
            let result = body(value)
            results.change { $0[index] = result }
            group.leave()
        }
    }
    group.wait()
    return results.change { all in values.indices.compactMap { all[$0] } }
}

/// A value behind a lock.
final class Locked<Value>: @unchecked Sendable {
    // Unchecked: the value is only touched with the lock held.
    private let lock = NSLock()
    private var value: Value
    init(_ value: Value) { self.value = value }
    func change<Result>(_ body: (inout Value) -> Result) -> Result { lock.withLock { body(&value) } }
}
