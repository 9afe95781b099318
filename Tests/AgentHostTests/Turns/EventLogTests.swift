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

    private func deltas(_ pieces: String...) -> ChatKit.Event {
        var deltas = ChatKit.TextDeltas()
        for piece in pieces { deltas.append(piece) }
        return .itemUpdated(id: "m", .textDeltas(index: 0, deltas))
    }

    @Test func everyPieceOfTextHasANumberOnTheWire() {
        var log = EventLog()
        log.append(progress("a"))
        log.append(deltas("x", "y", "z"))
        log.append(progress("b"))
        log.append(progress("held"), write: 1)
        let positions = (0...6).map { log.position(onWire: $0) }
        #expect(
            positions == [
                .init(number: 0), .init(number: 1), .init(number: 1, pieces: 1), .init(number: 1, pieces: 2),
                .init(number: 2), .init(number: 3), nil,
            ])
        #expect(deltas("x", "y", "z").droppingFirst(2) == deltas("z"))
        log.stored(1)
        #expect(log.position(onWire: 6) == .init(number: 4))
    }

    @Test func withoutAWindowWhatWasReadIsGone() {
        var log = EventLog()
        log.append(deltas("x", "y"))
        log.append(progress("b"))
        _ = log.trim(below: 1)
        #expect(log.events.names == ["progress b"])
        #expect(log.position(onWire: 1) == nil && log.position(onWire: 2) == .init(number: 1))
        _ = log.trim(below: 2)
        #expect(log.retainedBytes == 0 && log.events.isEmpty)
        #expect(log.position(onWire: 3) == .init(number: 2))
    }

    @Test func theWindowIsBoundedAndTheOldestGo() throws {
        var log = EventLog()
        log.window = 10 * progress("1").approximateBytes
        for number in 0..<1_000 {
            log.append(progress("\(number)"))
            let isCharged = log.charge(1)
            #expect(isCharged)
            let credit = log.trim(below: number + 1)
            #expect(credit == 1, "kept, but nothing the agent waits for")
            #expect(log.retainedBytes <= log.window + log.window / 8 && log.bytesAhead == 0)
        }
        #expect((10...12).contains(log.events.count))
        let oldest = 1_000 - log.events.count
        #expect(log.position(onWire: oldest) == .init(number: oldest) && log.position(onWire: oldest - 1) == nil)
        log.narrow(to: 3 * progress("1").approximateBytes, below: 1_000)
        #expect(log.events.names == ["progress 997", "progress 998", "progress 999"])
        let isLate = log.charge(1)
        #expect(!isLate)
    }

    @Test func aReaderInTheWindowHoldsItWhereItIs() {
        var log = EventLog()
        log.window = 2 * progress("1").approximateBytes
        for text in ["a", "b", "c"] {
            log.append(progress(text))
            _ = log.trim(below: log.visible)
        }
        #expect(log.events.names == ["progress b", "progress c"])
        for text in ["d", "e", "f"] {
            log.append(progress(text))
            _ = log.charge(10)
            let credit = log.trim(below: 1)
            #expect(credit == 0)
        }
        #expect(log.read(from: 1).names.count == 5, "what it has to read is there")
        #expect(log.bytesAhead == 3 * progress("1").approximateBytes)
        let credit = log.trim(below: 6)
        #expect(credit == 30 && log.events.count == 2)
    }
}
