import Glibc

/// A client on a real loopback socket. All calls block; use it in `onThread`.
final class TestClient: @unchecked Sendable {
    // Unchecked: threads share only the descriptor, for one to send while another receives.
    let descriptor: Int32
    private var isOpen = true

    convenience init(_ port: Int, receiveBuffer: Int32? = nil) {
        self.init(receiveBuffer: receiveBuffer)
        connect(port)
    }

    /// A socket that is not connected yet.
    init(receiveBuffer: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func connect(_ port: Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close() }

    /// Sends everything; false when the server does not take it.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return 0 }
                return Glibc.send(descriptor, base + start, bytes.count - start, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            start += count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Up to `count` bytes; empty at the end or when nothing comes for ten seconds.
    func receive(_ count: Int = 65_536) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            filled = max(0, recv(descriptor, base, count, 0))
        }
    }

    /// Reads until `text` has come, or the end.
    func read(until text: String) -> String {
        var all: [UInt8] = []
        while true {
            let whole = String(decoding: all, as: UTF8.self)
            if whole.contains(text) { return whole }
            let bytes = receive()
            if bytes.isEmpty { return whole }
            all += bytes
        }
    }

    /// Reads to the end of the stream.
    func readAll() -> String {
        var all: [UInt8] = []
        while true {
            let bytes = receive()
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// Sends a request and reads one response with a Content-Length: status and body.
    func exchange(_ text: String) -> (status: Int, head: String, body: String) {
        send(text)
        return readResponse()
    }

    /// Bytes received beyond the last response.
    private var rest: [UInt8] = []

    func readResponse() -> (status: Int, head: String, body: String) {
        var all = rest
        while true {
            let text = String(decoding: all, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let head = String(text[..<end.lowerBound])
                let status = Int(head.dropFirst(9).prefix(3)) ?? 0
                let lines = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                let length = lines.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
                let headCount = head.utf8.count + 4
                if all.count >= headCount + length {
                    rest = Array(all[(headCount + length)...])
                    return (status, head, String(decoding: all[headCount..<headCount + length], as: UTF8.self))
                }
            }
            let bytes = receive()
            if bytes.isEmpty { return (0, text, "") }
            all += bytes
        }
    }

    func shutdownWrite() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes `close` send a reset.
    func reset() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).first }
}
