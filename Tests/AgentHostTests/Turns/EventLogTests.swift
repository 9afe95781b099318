import Testing

@testable import AgentHost

struct EventLogTests {
    private func progress(_ text: String) -> ChatKit.Event { .progress(text: text, icon: nil) }

    @Test func eventsBehindAWriteWaitForIt() {
        var log = EventLog()
        log.append(progress("a"))
        log.append(progress("b"), write: 1)
        log.append(progress("c"))
        log.append(progress("d"), write: 2)
        #expect(log.visible == 1 && log.appended == 4)
        log.stored(2)
        #expect(log.visible == 1)
        log.stored(1)
        #expect(log.visible == 4)
        log.complete()
        #expect(log.isFullyVisible)
    }

    @Test func failedWriteTakesAllBehindItAway() {
        var log = EventLog()
        log.append(progress("a"))
        log.append(progress("b"), write: 1)
        log.append(progress("c"))
        log.complete()
        log.dropHeld(by: 1)
        #expect(log.events.names == ["progress a"] && !log.isComplete)
        log.append(progress("sorry"))
        log.complete()
        #expect(log.isFullyVisible && log.read(from: 1).names == ["progress sorry"])
        log.dropHeld(by: 7)
        #expect(log.appended == 2)
    }

    @Test func trimmingGivesCreditBackAndKeepsNumbers() {
        var log = EventLog()
        for text in ["a", "b", "c"] {
            log.append(progress(text))
            let isCharged = log.charge(10)
            #expect(isCharged)
        }
        let early = log.trim(below: 2)
        #expect(early == 20)
        #expect(log.read(from: 2).names == ["progress c"] && log.read(from: 3).isEmpty)
        let rest = log.trim(below: 99)
        #expect(rest == 10)
        #expect(log.retainedBytes == 0 && log.appended == 3 && log.visible == 3)
        let isLate = log.charge(1)
        #expect(!isLate)
    }
}
