import Synchronization

@testable import AgentHost

/// A source of a stream that the test fills by hand, from any thread.
final class PushedBody: ResponseSource {
    private struct State {
        var pieces: [[UInt8]] = []
        var isFinished = false
        var isBroken = false
        var ready: (@Sendable () -> Void)?
        var isWaiting = false
        var taken = 0
    }
    private let state = Mutex(State())
    let heartbeatInterval: Int64?
    /// Told whether the response was complete.
    let ends: BlockingQueue<Bool>

    /// - Parameter pieces: what there is from the start.
    init(
        _ pieces: [String] = [], finished: Bool = false, heartbeat: Int64? = nil,
        ends: BlockingQueue<Bool> = BlockingQueue()
    ) {
        heartbeatInterval = heartbeat
        self.ends = ends
        state.withLock { state in
            state.pieces = pieces.map { Array($0.utf8) }
            state.isFinished = finished
        }
    }

    /// Bytes that the connection has taken.
    var taken: Int { state.withLock { $0.taken } }

    func write(_ text: String) { write(Array(text.utf8)) }
    func write(_ bytes: [UInt8]) { change { $0.pieces.append(bytes) } }
    func finish() { change { $0.isFinished = true } }
    func breakOff() { change { $0.isBroken = true } }

    private func change(_ body: (inout State) -> Void) {
        let ready = state.withLock { state -> (@Sendable () -> Void)? in
            body(&state)
            defer { state.isWaiting = false }
            return state.isWaiting ? state.ready : nil
        }
        ready?()
    }

    func begin(ready: @escaping @Sendable () -> Void) { state.withLock { $0.ready = ready } }

    /// One piece at a time.
    func read(into bytes: inout [UInt8], limit: Int) -> ResponseProgress {
        state.withLock { state in
            guard !state.pieces.isEmpty else {
                if state.isBroken { return .broken }
                state.isWaiting = !state.isFinished
                return state.isFinished ? .ended : .waiting
            }
            let piece = state.pieces.removeFirst()
            state.taken += piece.count
            bytes += piece
            return .more
        }
    }

    func writeHeartbeat(into bytes: inout [UInt8]) { bytes += Array("beat".utf8) }
    func ended(complete: Bool) { ends.push(complete) }
}
