import Foundation

/// A plain blocking HTTP client for ChatKit, with its own socket for each request: so that a test can cut it where it likes.
struct ChatKitClient {
    let port: UInt16
    let user: String?

    struct Response {
        var status: Int
        var fields: [String: String]
        var body: Data
        /// Whether the body ended as its framing said.
        var isComplete: Bool

        var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
        var code: String? { json["code"] as? String }

        /// The events of a stream.
        var events: [Event] { Event.parse(String(decoding: body, as: UTF8.self)) }
    }

    struct Event {
        /// Of the `id` line, if there is one.
        var id: String?
        var json: [String: Any]
        var type: String { json["type"] as? String ?? "" }
        var item: [String: Any]? { json["item"] as? [String: Any] }

        static func parse(_ text: String) -> [Event] {
            text.components(separatedBy: "\n\n").compactMap { block in
                var block = block[...]
                var id: String?
                if block.hasPrefix("id: "), let end = block.firstIndex(of: "\n") {
                    id = String(block[..<end].dropFirst(4))
                    block = block[block.index(after: end)...]
                }
                guard block.hasPrefix("data: ") else { return nil }
                let data = Data(block.dropFirst(6).utf8)
                return ((try? JSONSerialization.jsonObject(with: data)) as? [String: Any]).map {
                    Event(id: id, json: $0)
                }
            }
        }
    }

    func call(_ op: String, _ params: [String: Any], agent: String? = nil) throws -> Response {
        let stream = try open(op, params, agent: agent)
        return stream.readToEnd()
    }

    func create(_ text: String, agent: String) throws -> Response {
        try call("threads.create", ["input": ChatKitClient.input(text)], agent: agent)
    }

    func say(_ text: String, in thread: String) throws -> Response {
        try call("threads.add_user_message", ["thread_id": thread, "input": ChatKitClient.input(text)])
    }

    func items(_ thread: String) throws -> [[String: Any]] {
        try call("items.list", ["thread_id": thread, "limit": 1000, "order": "asc"]).json["data"] as? [[String: Any]]
            ?? []
    }

    static func input(_ text: String) -> [String: Any] {
        [
            "content": [["type": "input_text", "text": text]], "attachments": [String](),
            "inference_options": [String: Any](),
        ]
    }

    /// Sends the request; the answer is read from the stream that is returned.
    func open(
        _ op: String, _ params: [String: Any], agent: String? = nil, fields: [String: String] = [:]
    ) throws -> ResponseStream {
        var body: [String: Any] = ["type": op, "params": params]
        if let agent { body["metadata"] = ["agent": agent] }
        return try open("POST", "/chatkit", try JSONSerialization.data(withJSONObject: body), fields: fields)
    }

    /// Begins a turn to whose events the client may come back.
    func createResumable(_ text: String, agent: String) throws -> ResponseStream {
        try open(
            "threads.create", ["input": ChatKitClient.input(text)], agent: agent, fields: ["X-ChatKit-Resume": "1"])
    }

    /// Comes back to a turn of the thread.
    func resume(_ thread: String, after id: String? = nil, fields: [String: String] = [:]) throws -> ResponseStream {
        let cursor = id.map { ["Last-Event-ID": $0] } ?? [:]
        return try open(
            "GET", "/chatkit/threads/\(thread)/events", Data(), fields: cursor.merging(fields) { $1 })
    }

    func stop(_ thread: String) throws -> Response {
        try open("POST", "/chatkit/threads/\(thread)/stop", Data()).readToEnd()
    }

    func get(_ path: String) throws -> Response { try open("GET", path, Data()).readToEnd() }

    func open(_ method: String, _ path: String, _ body: Data, fields: [String: String] = [:]) throws -> ResponseStream {
        let stream = try ResponseStream(port: port)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        if method == "POST" { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        if let user { head += "X-User-ID: \(user)\r\n" }
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        stream.send(Data((head + "\r\n").utf8) + body)
        return stream
    }
}

/// One connection with the answer that arrives on it.
final class ResponseStream {
    private var descriptor: Int32
    private var raw = Data()
    private var atEnd = false

    struct Refused: Error { var number: Int32 }

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Refused(number: errno) }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { cut() }

    func send(_ data: Data) {
        var rest = [UInt8](data)
        while !rest.isEmpty {
            let count = Glibc.send(descriptor, rest, rest.count, Int32(MSG_NOSIGNAL))
            if count <= 0 { return }
            rest.removeFirst(count)
        }
    }

    /// Drops the connection.
    func cut() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private func readMore() -> Bool {
        guard !atEnd else { return false }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count <= 0 {
            atEnd = true
            return false
        }
        raw += chunk[..<count]
        return true
    }

    /// Reads until the events seen so far satisfy the condition; false when the stream ended before.
    func readUntil(_ condition: ([ChatKitClient.Event]) -> Bool) -> Bool {
        while !condition(seen) {
            if !readMore() { return condition(seen) }
        }
        return true
    }

    /// Reads until the body contains `text`; false when the stream ended before.
    func readUntil(text: String) -> Bool {
        while true {
            if let body = parse()?.body, String(decoding: body, as: UTF8.self).contains(text) { return true }
            if !readMore() { return false }
        }
    }

    /// The events that have arrived whole.
    var seen: [ChatKitClient.Event] {
        guard let response = parse() else { return [] }
        let text = String(decoding: response.body, as: UTF8.self)
        guard let end = text.range(of: "\n\n", options: .backwards) else { return [] }
        return ChatKitClient.Event.parse(String(text[..<end.upperBound]))
    }

    /// Reads one whole answer of a server that keeps the connection open behind it.
    func readAnswer() -> ChatKitClient.Response {
        while parse()?.isComplete != true, readMore() {}
        return parse() ?? ChatKitClient.Response(status: 0, fields: [:], body: Data(), isComplete: false)
    }

    func readToEnd() -> ChatKitClient.Response {
        while readMore() {}
        return parse() ?? ChatKitClient.Response(status: 0, fields: [:], body: Data(), isComplete: false)
    }

    private func parse() -> ChatKitClient.Response? {
        guard let end = raw.firstRange(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: raw[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let rest = Data(raw[end.upperBound...])
        if fields["transfer-encoding"] == "chunked" {
            let (body, complete) = ResponseStream.dechunk(rest)
            return .init(status: status, fields: fields, body: body, isComplete: complete)
        }
        let length = fields["content-length"].flatMap { Int($0) } ?? 0
        return .init(status: status, fields: fields, body: rest, isComplete: rest.count == length)
    }

    private static func dechunk(_ data: Data) -> (Data, Bool) {
        var body = Data()
        var at = data.startIndex
        while let line = data[at...].firstRange(of: Data("\r\n".utf8)) {
            guard let size = Int(String(decoding: data[at..<line.lowerBound], as: UTF8.self), radix: 16) else { break }
            if size == 0 { return (body, true) }
            let end = line.upperBound + size
            guard end <= data.endIndex else {
                body += data[line.upperBound...]
                break
            }
            body += data[line.upperBound..<end]
            at = min(end + 2, data.endIndex)
        }
        return (body, false)
    }
}
