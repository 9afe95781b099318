import Foundation
import Testing

/// The way to the model's server: TLS and proxies.
struct ModelTransportTests {
    /// `Tests/Models/relay.py`.
    private final class Relay {
        let port: UInt16
        private let process = Process()
        private let output = Pipe()
        private var text = Data()

        init(_ arguments: [String]) throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["python3", "-B", ModelTransportTests.file("relay.py")] + arguments
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            while !text.contains(10) {
                let chunk = output.fileHandleForReading.availableData
                if chunk.isEmpty { break }
                text += chunk
            }
            let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first
            port = try #require(line.flatMap { UInt16($0) })
        }

        /// What it has printed, once it has ended.
        func end() -> String {
            process.terminate()
            text += output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return String(decoding: text, as: UTF8.self)
        }

        deinit { if process.isRunning { process.terminate() } }
    }

    fileprivate static func file(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../Models/\(name)")
            .standardizedFileURL
            .path
    }

    @Test func certificatesAreChecked() throws {
        let fake = try FakeModelServer()
        let relay = try Relay(["tls", Self.file("certificate-and-key.pem"), "\(fake.port)"])
        let url = "https://127.0.0.1:\(relay.port)/v1"
        // Nobody vouches for it.
        let stranger = try fake.host(["OPENAI_BASE_URL": url])
        let refused = try stranger.client().create("hello", agent: "TodoTasks")
        #expect(refused.events.last?.json["code"] as? String == "model_rejected")
        #expect(refused.events.last?.json["allow_retry"] as? Bool == false)
        #expect((refused.events.last?.json["message"] as? String)?.contains("certificate") == true)
        #expect(try fake.control("stats")["requests"] as? Int == 0, "the key was not sent")
        for variable in ["SSL_CERT_FILE", "AGENTHOST_CA_FILE"] {
            let friend = try fake.host(["OPENAI_BASE_URL": url, variable: Self.file("certificate.pem")])
            #expect(try friend.client().create("hello", agent: "TodoTasks").texts == ["You said: hello"])
        }
        _ = relay.end()
    }

    @Test func proxiesOfTheEnvironmentAreUsed() throws {
        let fake = try FakeModelServer()
        let relay = try Relay(["proxy", "\(fake.port)"])
        let proxy = "http://127.0.0.1:\(relay.port)"
        let far = try fake.host(["OPENAI_BASE_URL": "http://model.invalid/v1", "http_proxy": proxy])
        #expect(try far.client().create("hello", agent: "TodoTasks").texts == ["You said: hello"])
        let near = try fake.host(["http_proxy": proxy, "no_proxy": "127.0.0.1"])
        #expect(try near.client().create("hello", agent: "TodoTasks").texts == ["You said: hello"])
        #expect(far.stop() == 0 && near.stop() == 0)
        let lines = relay.end().split(separator: "\n").dropFirst()
        #expect(lines == ["POST http://model.invalid/v1/chat/completions HTTP/1.1"])
    }
}
