import Synchronization

@testable import AgentHost

/// A server on a free port with a handler of the test's own.
final class TestServer: Sendable {
    let http: HTTPServer
    let accesses = BlockingQueue<HTTPAccess>()

    private struct Handler: HTTPHandler {
        let body: @Sendable (HTTPRequest, RequestBody, ResponseWriter) async -> Void
        func handle(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter) async {
            await self.body(request, body, response)
        }
    }

    init(
        _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
        _ handler: @escaping @Sendable (HTTPRequest, RequestBody, ResponseWriter) async -> Void
    ) throws {
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        configuration.loops = 2
        configuration.lingerDeadline = 500
        configuration.onAccess = { [accesses] in accesses.push($0) }
        configure(&configuration)
        http = HTTPServer(configuration: configuration, handler: Handler(body: handler), log: .silent)
        try http.start()
    }

    var port: Int { http.port }
    func connect(receiveBuffer: Int32? = nil) -> TestClient { TestClient(port, receiveBuffer: receiveBuffer) }
    @discardableResult
    func stop(drain: Int64 = 2_000) -> Bool { http.shutdown(drainMilliseconds: drain) }
}

/// Runs blocking code on a thread of its own, still as part of the test.
func onThread<Result: Sendable>(_ body: @Sendable () throws -> Result) async throws -> Result {
    let threads = ThreadPerJob()
    defer { threads.join() }
    return try await withTaskExecutorPreference(threads) { try body() }
}

/// Runs each job on a new thread, so that it may block.
private final class ThreadPerJob: TaskExecutor {
    private let threads = Mutex<[NativeThread]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let thread = NativeThread(name: "test") { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        threads.withLock { $0.append(thread) }
    }

    func join() {
        let finished = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in finished { thread.join() }
    }
}

/// Waits until `condition` holds, for at most `seconds`.
func eventually(_ seconds: Int64 = 5, _ condition: () -> Bool) -> Bool {
    let deadline = monotonicMilliseconds() + seconds * 1_000
    while !condition() {
        guard monotonicMilliseconds() < deadline else { return false }
        _ = BlockingQueue<Int>().takeAll(deadline: monotonicMilliseconds() + 2)
    }
    return true
}

/// Answers with what came: method, path and body.
@Sendable func echo(_ request: HTTPRequest, _ body: RequestBody, _ response: ResponseWriter) async {
    do throws(HTTPError) {
        let bytes = try await body.collect(upTo: 1 << 20)
        response.send(
            200, ["Content-Type": "text/plain"], Array("\(request.method) \(request.path) ".utf8) + bytes)
    } catch {
        response.send(error)
    }
}
