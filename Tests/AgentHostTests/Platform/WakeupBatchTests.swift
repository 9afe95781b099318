import Synchronization
import Testing

@testable import AgentHost

@Suite struct WakeupBatchTests {
    /// What was called, in order.
    final class Calls: Sendable {
        let numbers = Mutex<[Int]>([])
        func note(_ number: Int) { numbers.withLock { $0.append(number) } }
        var all: [Int] { numbers.withLock { $0 } }
    }

    @Test func aThreadThatDoesNotGatherCallsAtOnce() {
        let calls = Calls()
        WakeupBatch.call { calls.note(1) }
        #expect(calls.all == [1])
    }

    @Test func whatIsGatheredIsCalledInOrderWhenTheBatchIsThrough() {
        let calls = Calls()
        WakeupBatch.gather {
            for number in 0..<3 { WakeupBatch.call { calls.note(number) } }
            #expect(calls.all.isEmpty)
        }
        #expect(calls.all == [0, 1, 2])
        WakeupBatch.call { calls.note(3) }
        #expect(calls.all == [0, 1, 2, 3])
    }

    @Test func aBatchWithinABatchWaitsForTheOuterOne() {
        let calls = Calls()
        WakeupBatch.gather {
            WakeupBatch.gather { WakeupBatch.call { calls.note(1) } }
            #expect(calls.all.isEmpty)
        }
        #expect(calls.all == [1])
    }

    @Test func aLongBatchIsNotWaitedFor() {
        let calls = Calls()
        WakeupBatch.gather {
            for number in 0..<100 { WakeupBatch.call { calls.note(number) } }
            #expect(calls.all == Array(0..<64))
        }
        #expect(calls.all == Array(0..<100))
    }

    @Test func otherThreadsAreNotGathered() {
        let calls = Calls()
        WakeupBatch.gather {
            NativeThread(name: "other") { WakeupBatch.call { calls.note(1) } }.join()
            #expect(calls.all == [1])
        }
    }

    @Test func aCallMayCallAgain() {
        let calls = Calls()
        WakeupBatch.gather {
            for number in 0..<64 { WakeupBatch.call { WakeupBatch.call { calls.note(number) } } }
        }
        #expect(calls.all == Array(0..<64))
    }
}
