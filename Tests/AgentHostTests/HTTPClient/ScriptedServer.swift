import Foundation
import Synchronization

@testable import AgentHost

/// A server on a free port that does to each connection what the test says, byte by byte.
final class ScriptedServer: Sendable {
    /// One accepted connection; blocks.
    struct Connection: Sendable {
        let descriptor: Int32

        /// Reads a request with the body that its Content-Length announces; nil at the end of the connection.
        func request() -> String? {
            var bytes: [UInt8] = []
            while true {
                var chunk = [UInt8](repeating: 0, count: 65_536)
                let count = recv(descriptor, &chunk, chunk.count, 0)
                guard count > 0 else { return nil }
                bytes += chunk[..<count]
                let text = String(decoding: bytes, as: UTF8.self)
                guard let end = text.range(of: "\r\n\r\n") else { continue }
                let length = text.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
                if text[end.upperBound...].utf8.count >= length { return text }
            }
        }

        /// False when the other side is gone.
        @discardableResult
        func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        @discardableResult
        func send(_ bytes: [UInt8]) -> Bool {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }

        func chunk(_ text: String) { send(String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n") }

        /// Waits until the other side closes.
        func awaitEnd() {
            var byte: UInt8 = 0
            while recv(descriptor, &byte, 1, 0) > 0 {}
        }

        /// Closes with a reset instead of an end.
        func reset() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        }
    }

    static let streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    let port: UInt16
    /// Connections accepted, and those that have ended.
    let accepted = Atomic(0)
    let ended = Atomic(0)
    private let listener: Int32

    /// - Parameter script: runs on a thread of its own for each connection, which is closed when it returns.
    init(_ script: @escaping @Sendable (Connection) -> Void) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(listener, address, size) == 0, listen(listener, 1_024) == 0,
                    getsockname(listener, address, &size) == 0
                else { fatalError("no free port") }
            }
        }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        _ = NativeThread(name: "script") { [listener, self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                // Closed here and nowhere else: `accept` on a number that somebody else has by now would take his connections.
                guard descriptor >= 0 else { return _ = close(listener) }
                accepted.add(1, ordering: .relaxed)
                var on: Int32 = 1
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
                _ = NativeThread(name: "connection") {
                    script(Connection(descriptor: descriptor))
                    close(descriptor)
                    self.ended.add(1, ordering: .relaxed)
                }
            }
        }
    }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }
}

/// Keeps what an answer consists of.
final class CollectingHandler: UpstreamHandler {
    enum Event: Sendable { case head(UpstreamHead), body([UInt8]), end(Result<Void, UpstreamFailure>) }

    let events = BlockingQueue<Event>()
    /// What the next pieces of the body are answered with; `taken` when it is empty.
    let flows: Mutex<[UpstreamFlow]>
    let acceptsHead: Bool

    init(flows: [UpstreamFlow] = [], acceptsHead: Bool = true) {
        self.flows = Mutex(flows)
        self.acceptsHead = acceptsHead
    }

    func received(_ head: UpstreamHead) -> Bool {
        events.push(.head(head))
        return acceptsHead
    }
    func received(_ bytes: borrowing Span<UInt8>) -> UpstreamFlow {
        let flow = flows.withLock { $0.isEmpty ? .taken : $0.removeFirst() }
        var copy: [UInt8] = []
        for index in 0..<bytes.count { copy.append(bytes[index]) }
        if flow != .pause { events.push(.body(copy)) }
        return flow
    }
    func ended(_ result: Result<Void, UpstreamFailure>) { events.push(.end(result)) }

    struct Answer: Sendable {
        var head: UpstreamHead?
        var body: [UInt8] = []
        var failure: UpstreamFailure?
        var ends = 0
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Waits until it is over; blocks.
    func wait(seconds: Int64 = 20) -> Answer {
        var answer = Answer()
        let deadline = monotonicMilliseconds() + seconds * 1_000
        while answer.ends == 0, monotonicMilliseconds() < deadline {
            for event in events.takeAll(deadline: deadline) { answer.add(event) }
        }
        for event in events.takeAll(deadline: monotonicMilliseconds()) { answer.add(event) }
        return answer
    }
}

extension CollectingHandler.Answer {
    mutating func add(_ event: CollectingHandler.Event) {
        switch event {
        case .head(let head): self.head = head
        case .body(let bytes): body += bytes
        case .end(.success): ends += 1
        case .end(.failure(let failure)):
            ends += 1
            self.failure = failure
        }
    }
}
