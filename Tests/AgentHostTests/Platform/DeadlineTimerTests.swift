import Synchronization
import Testing

@testable import AgentHost

struct DeadlineTimerTests {
    @Test func actionsComeInOrderOfTheirTime() async {
        let order = Mutex<[Int]>([])
        let now = monotonicMilliseconds()
        await withCheckedContinuation { continuation in
            for delay in [30, 10, 20, 40] {
                _ = DeadlineTimer.shared.schedule(at: now + Int64(delay)) {
                    order.withLock { $0.append(delay) }
                    if delay == 40 { continuation.resume() }
                }
            }
        }
        #expect(order.withLock { $0 } == [10, 20, 30, 40])
        #expect(monotonicMilliseconds() >= now + 40)
    }

    @Test func cancelledActionsNeverCome() async {
        let came = Mutex(0)
        let now = monotonicMilliseconds()
        let tokens = (0..<1_000).map { index in
            DeadlineTimer.shared.schedule(at: now + 200 + Int64(index % 7)) { came.withLock { $0 += 1 } }
        }
        for token in tokens.dropFirst() { DeadlineTimer.shared.cancel(token) }
        await withCheckedContinuation { continuation in
            _ = DeadlineTimer.shared.schedule(at: now + 250) { continuation.resume() }
        }
        #expect(came.withLock { $0 } == 1)
    }
}
