import Synchronization
import Testing

@testable import AgentHost

struct LineSplitterTests {
    @Test func linesAreCutAndBounded() {
        var splitter = LineSplitter()
        #expect(splitter.feed(Array("one\ntw".utf8)).map(\.text) == ["one"])
        #expect(splitter.feed(Array("o\n\nthree\n".utf8)).map(\.text) == ["two", "three"])
        let long = [UInt8](repeating: 0x61, count: LineSplitter.limit + 5)
        #expect(splitter.feed(long).map(\.bytes.count) == [LineSplitter.limit])
        let rest = [splitter.finish()?.text, splitter.finish()?.text]
        #expect(rest == ["aaaaa", nil])
    }

    /// However it is cut into pieces.
    @Test func piecesChangeNothing() {
        let bytes = Array("a\nbc\n\ndéf\nlast".utf8)
        for size in 1...bytes.count {
            var splitter = LineSplitter()
            var lines: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                lines += splitter.feed(Array(bytes[start..<min(start + size, bytes.count)])).map(\.text)
            }
            #expect(lines == ["a", "bc", "déf"] && splitter.finish()?.text == "last")
        }
    }

    @Test func whatIsNoTextIsReplaced() {
        var splitter = LineSplitter()
        #expect(splitter.feed([0x61, 0xFF, 0x62, 0x0A]).map(\.text) == ["a\u{FFFD}b"])
        // ESC is left to the log; a terminal takes U+009B for the same.
        let controls = splitter.feed(Array("\u{1B}[2J\u{9B}2J\u{7F}\n".utf8))
        #expect(controls.map(\.text) == ["\u{1B}[2J\u{FFFD}2J\u{FFFD}"])
    }

    @Test func wordsAfterAPrefixAreFound() {
        let line = PrintedLine(bytes: Array("why: it died".utf8))
        #expect(line.text(after: "why: ") == "it died" && line.text(after: "who: ") == nil)
    }
}

struct OutputRateTests {
    @Test func linesBeyondTheRateAreDroppedAndCounted() {
        var rate = LineRate()
        let taken = (0..<1_500).count { _ in rate.allows(at: 5_000) }
        #expect(taken == LineRate.limit)
        let dropped = [rate.takeDropped(), rate.takeDropped()]
        #expect(dropped == [500, 0])
        let isAllowed = rate.allows(at: 6_000)
        #expect(isAllowed)
    }

    @Test func bytesBeyondTheBudgetWaitForTheNextShare() {
        var budget = OutputBudget()
        let start = 100 * OutputBudget.span
        let pauses = [(OutputBudget.limit - 1, start), (1, start + 1), (1, start + OutputBudget.span)].map {
            budget.spend($0, at: $1)
        }
        #expect(pauses == [nil, start + OutputBudget.span, nil])
    }
}

struct RestartBackoffTests {
    @Test func theFirstRestartIsImmediateThenItDoubles() {
        var backoff = RestartBackoff(longest: 30_000)
        let delays = (0..<11).map { backoff.died(at: Int64($0), startedAt: Int64($0)) }
        #expect(delays == [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000])
        #expect(backoff.died(at: 100_000, startedAt: 40_000) == 0)
    }
}

struct DeadlinesTests {
    @Test(.timeLimit(.minutes(1)))
    func actionsRunInTheOrderOfTheirTimes() async {
        let deadlines = DeadlineTimer(name: "test-clock")
        defer { deadlines.close() }
        let order = Mutex<[Int]>([])
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let now = monotonicMilliseconds()
            let cancelled = deadlines.schedule(at: now + 5) { order.withLock { $0.append(99) } }
            for delay in [30, 10, 40, 20] {
                deadlines.schedule(at: now + Int64(delay)) {
                    order.withLock { $0.append(delay) }
                    if delay == 40 { continuation.resume() }
                }
            }
            deadlines.cancel(cancelled)
        }
        #expect(order.withLock { $0 } == [10, 20, 30, 40])
    }
}

struct InstanceLifecycleTests {
    @Test func aWorkerThatDiesIsStartedAgain() {
        var life = InstanceLifecycle(restarts: true)
        #expect(life.start(now: 0) == [.open(incarnation: 1)])
        #expect(life.admit(9, now: 5).refusal == .unavailable)
        #expect(life.loaded(1, refusal: nil, now: 1) == [.started(refusal: nil)])
        #expect(life.admit(9, now: 5).refusal == nil)
        let actions = life.died(1, how: "it died", now: 2)
        #expect(actions.contains(.endWork(.crashed, incarnation: 1)) && actions.last == .open(incarnation: 2))
        #expect(life.admit(9, now: 5).refusal == nil && life.holdsMessages)
        #expect(life.died(1, how: "late news", now: 3).isEmpty)
        #expect(life.loaded(2, refusal: nil, now: 3) == [.sendHeld, .notify(.serving(incarnation: 2))])
        #expect(life.died(2, how: "it died", now: 4).last == .reopen(incarnation: 2, after: 100))
        #expect(life.admit(9, now: 5).refusal == .unavailable)
        #expect(life.reopenDue(2, now: 104) == [.open(incarnation: 3)])
    }

    /// A system without descriptors says nothing about the plugin: it is back a second after there are some.
    @Test func aStartThatTheSystemRefusesIsTriedAgainEverySecond() {
        var life = InstanceLifecycle(restarts: true)
        _ = life.start(now: 0)
        _ = life.loaded(1, refusal: nil, now: 1)
        #expect(life.died(1, how: "it died", now: 2).last == .open(incarnation: 2))
        for incarnation in 2..<20 {
            let actions = life.couldNotOpen(incarnation, why: "no descriptors", now: 3)
            #expect(actions.contains(.endWork(.unavailable, incarnation: incarnation)))
            #expect(actions.last == .reopen(incarnation: incarnation, after: 1_000))
            #expect(life.admit(9, now: 5).refusal == .unavailable)
            #expect(life.reopenDue(incarnation, now: 4) == [.open(incarnation: incarnation + 1)])
        }
        #expect(life.loaded(20, refusal: nil, now: 5) == [.sendHeld, .notify(.serving(incarnation: 20))])
        // Its own deaths count as before.
        #expect(life.died(20, how: "it died", now: 6).last == .reopen(incarnation: 20, after: 100))
    }

    /// The first start is answered at once: nobody waits for a plugin that was never there.
    @Test func aFirstStartThatTheSystemRefusesIsARefusal() {
        var life = InstanceLifecycle(restarts: true)
        _ = life.start(now: 0)
        let actions = life.couldNotOpen(1, why: "no descriptors", now: 1)
        #expect(actions == [.started(refusal: "no descriptors"), .abandon(incarnation: 1), .ended])
    }

    @Test func aDeathWhileLoadingIsARefusal() {
        var life = InstanceLifecycle(restarts: true)
        _ = life.start(now: 0)
        #expect(life.died(1, how: "it died", now: 1).contains(.started(refusal: "it died")))
        #expect(life.phase == .ended)
    }

    @Test func aHungCreateIsAbandoned() {
        var life = InstanceLifecycle(restarts: false)
        _ = life.start(now: 0)
        let actions = life.loadTimedOut(1, after: 10, now: 10)
        #expect(actions.contains(.abandon(incarnation: 1)) && life.phase == .ended)
        #expect(life.loaded(1, refusal: nil, now: 11).isEmpty)
    }

    @Test func theEndHasItsOrder() {
        var life = InstanceLifecycle(restarts: false)
        _ = life.start(now: 0)
        _ = life.loaded(1, refusal: nil, now: 0)
        #expect(life.destroyed(1).isEmpty)
        #expect(life.drain(now: 1) == [.send(.drain)])
        #expect(life.admit(9, now: 5).refusal == .unavailable)
        #expect(life.destroy() == [.endWork(.unavailable, incarnation: 1), .send(.destroy)])
        #expect(life.destroyed(1) == [.release])
        #expect(life.released(1, now: 2) == [.ended])
        #expect(life.destroyTimedOut(now: 3).isEmpty && life.kill(now: 3).isEmpty)
    }
}
