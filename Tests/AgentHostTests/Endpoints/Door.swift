import Foundation

@testable import AgentHost

/// The whole server but for sockets and plugins: requests go in as values, answers come out as bytes.
struct Door: Sendable {
    let store: SQLiteStore
    let registry = Registry()
    let engine: TurnEngine
    let handler: EndpointHandler
    private let folder: Folder

    static let adminToken = "admin-token-of-the-tests"

    /// Removed with the last copy of the door.
    private final class Folder: Sendable {
        let path = NSTemporaryDirectory() + randomID("door")
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    init(defaultAgent: String? = "echo", cors: CORS = CORS()) throws {
        folder = try Folder()
        store = try SQLiteStore(path: folder.path + "/test.db")
        EchoAgent.register(in: registry)
        engine = TurnEngine(
            store: store, registry: registry, tools: ToolDispatcher(directory: registry, log: .silent),
            configuration: TurnConfiguration(), log: .silent)
        let chatKit = ChatKitEndpoint(
            engine: engine, store: store, identification: CallerIdentification(),
            agents: AgentRouter(registry: registry, configuredDefault: defaultAgent), routeDefault: "TripPlanner",
            log: .silent)
        var router = Router()
        router.addChatKit(chatKit)
        router.addProbes(store: store)
        let (requests, engine) = (RequestCounters(), engine)
        router.addMetrics(
            MetricsEndpoint(authorization: AdminAuthorization(token: Door.adminToken)) {
                requests.metrics + engine.metrics + ProcessMetrics.metrics
            })
        handler = EndpointHandler(router: router, cors: cors, log: .silent, counters: requests)
    }

    struct Response: Sendable {
        var status: Int
        /// By lower-case name.
        var fields: [String: String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSON { (try? JSON.parse(body)) ?? .null }
        var code: String? { json["code"]?.string }
        /// The events of a stream; nil when the body is none.
        var events: [JSON]? {
            guard fields["content-type"] == "text/event-stream", text.isEmpty || text.hasSuffix("\n\n") else {
                return nil
            }
            var events: [JSON] = []
            for numbered in text.components(separatedBy: "\n\n").dropLast() where !numbered.hasPrefix(":") {
                let block = numbered.hasPrefix("id: ") ? numbered.drop { $0 != "\n" }.dropFirst() : numbered[...]
                guard block.hasPrefix("data: "), let event = try? JSON.parse(String(block.dropFirst(6))) else {
                    return nil
                }
                events.append(event)
            }
            return events
        }
    }

    func send(
        _ method: String, _ path: String, _ headers: [(String, String)] = [], _ body: [UInt8] = []
    ) async -> Response {
        let content = RequestBody(framing: .length(body.count)) {}
        content.append(body[...])
        content.complete()
        // HTTP/1.0, so that streams come without chunks.
        let writer = ResponseWriter(
            ResponseState(version: .http10, omitsBody: method == "HEAD", ownFields: []),
            canKeepAlive: { false }, changed: {})
        await handler.handle(Door.request(method, path, headers, length: body.count), content, writer)
        if let source = writer.takeSource() { await Door.drain(source, into: writer) }
        return Response(raw: writer.takeOutput())
    }

    /// Takes everything from the source of a stream, as a connection does whose client reads at once.
    private static func drain(_ source: any ResponseSource, into writer: ResponseWriter) async {
        let (news, more) = AsyncStream<Void>.makeStream()
        source.begin { more.yield() }
        var waiting = news.makeAsyncIterator()
        while true {
            var bytes: [UInt8] = []
            let progress = source.read(into: &bytes, limit: 1 << 16)
            writer.append(bytes)
            switch progress {
            case .more: continue
            case .waiting: await waiting.next()
            case .ended:
                writer.finish()
                return source.ended(complete: true)
            case .broken: return source.ended(complete: false)
            }
        }
    }

    static func request(
        _ method: String, _ path: String, _ headers: [(String, String)] = [], length: Int = 0
    ) -> HTTPRequest {
        var fields = HTTPFields()
        for (name, value) in headers { fields.append(name, value) }
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return HTTPRequest(
            method: method, target: path, path: parts[0], query: parts.dropFirst().first, version: .http11,
            fields: fields,
            framing: .length(length), expectsContinue: false, keepsAlive: true, id: "req_test")
    }

    /// A ChatKit operation of a user.
    func call(
        _ type: String, _ params: JSON, user: String? = nil, metadata: JSON = [:], _ headers: [(String, String)] = []
    ) async -> Response {
        let body: JSON = ["type": .string(type), "params": params, "metadata": metadata]
        let user = user.map { [("X-User-ID", $0)] } ?? []
        return await send("POST", "/chatkit", headers + user, body.encoded)
    }

    static func input(_ text: String) -> JSON {
        [
            "content": [["type": "input_text", "text": .string(text)]], "attachments": [], "inference_options": [:],
        ]
    }

    /// Makes a thread with a message and its answer.
    func create(_ text: String, user: String? = nil) async -> Response {
        await call("threads.create", ["input": Door.input(text)], user: user)
    }
}

extension Door.Response {
    fileprivate init(raw: [UInt8]) {
        let text = String(decoding: raw, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else {
            self.init(status: 0, fields: [:], body: raw)
            return
        }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        self.init(status: status, fields: fields, body: Array(text[end.upperBound...].utf8))
    }
}
