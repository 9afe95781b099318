import Synchronization
import Testing

@testable import AgentHost

/// Completions of servers that answer, refuse, fail and come back.
struct ServerModelTests {
    /// What a completion came to.
    final class Heard: Sendable {
        let deltas = Mutex<[ModelDelta]>([])
        let ends = BlockingQueue<Result<ModelEnd, ProviderFailure>>()
        var text: String {
            deltas.withLock { $0.reduce(into: "") { if case .text(let text) = $1 { $0 += text } } }
        }
    }

    static let good =
        #"data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}"# + "\n\n"
        + #"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n"

    /// A server whose answers come from a list; the last one again and again.
    private func server(_ answers: [String], requests: BlockingQueue<String>? = nil) -> ScriptedServer {
        let rest = Mutex(answers[...])
        return ScriptedServer { connection in
            while let request = connection.request() {
                requests?.push(request)
                let answer = rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[$0.startIndex] }
                if answer == "good" {
                    connection.send(ScriptedServer.streamHead)
                    connection.chunk(Self.good)
                    connection.send("0\r\n\r\n")
                } else {
                    connection.send(answer)
                    return
                }
            }
        }
    }

    static func status(_ status: Int, _ fields: String = "", _ body: String = "{}") -> String {
        "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Asks the chain of servers; answers what came of it.
    private func ask(
        _ servers: [ScriptedServer], retries: Int = 2, deadline: Int64 = 20_000,
        _ meanwhile: (any Cancellable) -> Void = { _ in }
    ) -> (result: Result<ModelEnd, ProviderFailure>?, heard: Heard) {
        var configuration = ModelConfiguration()
        configuration.retries = retries
        configuration.firstByteLimit = 300
        let client = HTTPClient()
        let steps = servers.enumerated().map { index, server in
            ServerModel.Step(
                provider: .init(
                    name: "s\(index)", baseURL: server.url("/v1"), key: Secret("sk-canary"), model: "m\(index)"),
                model: "m\(index)")
        }
        let model = ServerModel(steps: steps, configuration: configuration, client: client, log: .silent)
        let heard = Heard()
        let request = ModelRequest(
            model: "", messages: [["role": "user", "content": "hi"]], tools: [],
            deadline: monotonicMilliseconds() + deadline)
        let work = model.complete(request) { delta in
            heard.deltas.withLock { $0.append(delta) }
        } completion: {
            heard.ends.push($0)
        }
        meanwhile(work)
        let ends = heard.ends.takeAll(deadline: monotonicMilliseconds() + 20_000)
        client.close()
        #expect(ends.count == 1 && heard.ends.takeAll(deadline: monotonicMilliseconds()).isEmpty, "one end")
        for server in servers { server.stop() }
        return (ends.first, heard)
    }

    private func reason(_ result: Result<ModelEnd, ProviderFailure>?) -> String? {
        if case .success(let end) = result { end.finishReason } else { nil }
    }

    private func explanation(_ result: Result<ModelEnd, ProviderFailure>?) -> ProviderExplanation? {
        guard case .failure(.explained(let why)) = result else { return nil }
        return why
    }

    @Test func answers() async throws {
        try await onThread {
            let requests = BlockingQueue<String>()
            let (result, heard) = ask([server(["good"], requests: requests)])
            #expect(reason(result) == "stop")
            #expect(heard.text == "hello")
            let request = requests.takeAll().first ?? ""
            #expect(request.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\n"))
            #expect(request.contains("Authorization: Bearer sk-canary\r\n") && request.contains(#""model":"m0""#))
        }
    }

    @Test(arguments: [
        status(429, "Retry-After: 0\r\n"), status(500, "retry-after-ms: 10\r\n"), status(503, "retry-after-ms: 10\r\n"),
        "", "HTTP/1.1",
    ]) func whatPassesIsTriedAgain(_ fault: String) async throws {
        try await onThread {
            let requests = BlockingQueue<String>()
            let (result, heard) = ask([server([fault, fault, "good"], requests: requests)])
            #expect(reason(result) == "stop")
            #expect(heard.text == "hello" && requests.takeAll().count == 3)
        }
    }

    @Test func triesAreCounted() async throws {
        try await onThread {
            let requests = BlockingQueue<String>()
            let (result, _) = ask([server([Self.status(500, "retry-after-ms: 1\r\n")], requests: requests)], retries: 3)
            #expect(explanation(result)?.code == "model_unavailable" && explanation(result)?.allowRetry == true)
            #expect(requests.takeAll().count == 4)
        }
    }

    @Test(arguments: [
        (status(400), "model_rejected"), (status(401), "model_rejected"), (status(404), "model_rejected"),
        (status(307, "Location: /x\r\n"), "model_rejected"), (status(429, "Retry-After: 31\r\n"), "model_rate_limited"),
        (status(429, "", #"{"error":{"type":"insufficient_quota"}}"#), "model_rejected"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", "model_failed"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", "model_failed"),
        ("\u{0}\u{1}rubbish\r\n\r\n", "model_failed"),
    ]) func whatDoesNotPassIsNot(_ fault: String, _ code: String) async throws {
        try await onThread {
            let requests = BlockingQueue<String>()
            let (result, _) = ask([server([fault], requests: requests)])
            #expect(explanation(result)?.code == code, "\(String(describing: result))")
            #expect(requests.takeAll().count == 1)
        }
    }

    /// As soon as something was passed on, an answer is never begun anew: not here, not at the next server.
    @Test func neverAgainBehindTheFirstToken() async throws {
        try await onThread {
            let requests = BlockingQueue<String>()
            let event = #"data: {"choices":[{"index":0,"delta":{"content":"hel"},"finish_reason":null}]}"# + "\n\n"
            let half = ScriptedServer.streamHead + String(event.utf8.count, radix: 16) + "\r\n" + event + "\r\n"
            let (result, heard) = ask([server([half], requests: requests), server(["good"], requests: requests)])
            #expect(explanation(result)?.code == "model_failed" && explanation(result)?.allowRetry == true)
            #expect(heard.text == "hel")
            #expect(requests.takeAll().count == 1)
        }
    }

    @Test(arguments: [status(500), status(401), status(307, "Location: /x\r\n"), "wait", ""])
    func theNextServerAnswersInstead(_ fault: String) async throws {
        try await onThread {
            let broken = fault == "wait" ? ScriptedServer { $0.awaitEnd() } : server([fault])
            let requests = BlockingQueue<String>()
            let (result, heard) = ask([broken, server(["good"], requests: requests)], retries: 0)
            #expect(reason(result) == "stop" && heard.text == "hello")
            #expect(requests.takeAll().first?.contains(#""model":"m1""#) == true)
        }
    }

    @Test(arguments: ["before", "pause"]) func cancelling(when: String) async throws {
        try await onThread {
            let server =
                when == "before" ? ScriptedServer { $0.awaitEnd() } : server([Self.status(500, "Retry-After: 10\r\n")])
            let (result, _) = ask([server]) { work in
                #expect(
                    eventually {
                        when == "before"
                            ? server.accepted.load(ordering: .relaxed) == 1 : server.ended.load(ordering: .relaxed) == 1
                    })
                // Until the wait has begun.
                _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 50)
                work.cancel(.cancelled)
                work.cancel(.cancelled)
            }
            guard case .failure(.cancelled) = result else {
                Issue.record("\(String(describing: result))")
                return
            }
            #expect(eventually(1) { server.ended.load(ordering: .relaxed) == 1 })
        }
    }

    @Test func theDeadlineOfTheTurnHolds() async throws {
        try await onThread {
            let (result, _) = ask([server([Self.status(503, "Retry-After: 5\r\n")])], deadline: 1_000)
            #expect(explanation(result)?.code == "model_unavailable", "waiting would be in vain")
            let (late, _) = ask([ScriptedServer { $0.awaitEnd() }], deadline: 150)
            guard case .failure(.deadline) = late else {
                Issue.record("\(String(describing: late))")
                return
            }
        }
    }
}
