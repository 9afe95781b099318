internal import CPlatform

/// A non-blocking stream socket: the only place that hands memory to the kernel for connections.
///
/// Does not own its descriptor: the connection closes it exactly once.
struct Socket: Sendable {
    let descriptor: Int32

    /// What a call on a socket gave.
    enum Outcome {
        case count(Int)
        /// The peer sends no more.
        case end
        /// Nothing can be done now; epoll will tell.
        case wouldBlock
        /// The connection is gone.
        case failed

        fileprivate init(_ result: Int, endsAtZero: Bool) {
            switch result {
            case 0 where endsAtZero: self = .end
            case 0...: self = .count(result)
            case -Int(CPLATFORM_EAGAIN): self = .wouldBlock
            default: self = .failed
            }
        }
    }

    /// Reads into `buffer`, whose size is the most that is read.
    func receive(into buffer: inout [UInt8]) -> Outcome {
        unsafe buffer.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return .wouldBlock }
            return unsafe Outcome(cplatform_receive(descriptor, base, buffer.count), endsAtZero: true)
        }
    }

    /// Throws away up to `count` bytes that the peer sent.
    func discard(_ count: Int) -> Outcome { Outcome(cplatform_discard(descriptor, count), endsAtZero: true) }

    /// Sends `bytes` from `start` on; fewer may be taken.
    func send(_ bytes: [UInt8], from start: Int) -> Outcome {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, start < bytes.count else { return .count(0) }
            return unsafe Outcome(cplatform_send(descriptor, base + start, bytes.count - start), endsAtZero: false)
        }
    }

    /// Tells the peer that nothing more follows.
    func shutdownWrite() { cplatform_shutdown_write(descriptor) }

    func close() { cplatform_close(descriptor) }
}
