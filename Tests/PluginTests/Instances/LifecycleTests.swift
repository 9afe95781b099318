import Testing

@testable import AgentHost

/// The life of an instance as a state machine: times are given, actions are compared.
struct LifecycleTests {
    private typealias Action = InstanceLifecycle.Action

    /// An instance whose first worker was loaded at time 0.
    private static func running(_ recovery: PluginRecovery = PluginRecovery()) -> InstanceLifecycle {
        var life = InstanceLifecycle(restarts: true, recovery: recovery)
        #expect(life.start(now: 0) == [.open(incarnation: 1)])
        #expect(life.condition.state == .starting)
        #expect(life.loaded(1, refusal: nil, now: 0) == [.started(refusal: nil)])
        #expect(life.condition.state == .serving)
        return life
    }

    /// The worker dies at `now`. Answers the pause before it is started again (0: it is being opened already), after performing it.
    private static func crash(_ life: inout InstanceLifecycle, at now: Int64) -> (pause: Int64, actions: [Action]) {
        let actions = life.died(life.incarnation, how: "the worker process was ended by SIGSEGV", now: now)
        for action in actions {
            guard case .reopen(let incarnation, let pause) = action else { continue }
            #expect(life.reopenDue(incarnation, now: now + pause) == [.open(incarnation: incarnation + 1)])
            return (pause, actions)
        }
        return (0, actions)
    }

    @Test func theFirstCrashIsFollowedByAStartAtOnceThenPausesGrow() {
        var life = Self.running(PluginRecovery(quarantineCrashes: 0))
        var now: Int64 = 10
        var pauses: [Int64] = []
        for _ in 0..<12 {
            let (pause, _) = Self.crash(&life, at: now)
            pauses.append(pause)
            now += pause
            #expect(life.loaded(life.incarnation, refusal: nil, now: now).contains(.sendHeld))
        }
        #expect(pauses == [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
        let (pause, _) = Self.crash(&life, at: now + 60_000)
        #expect(pause == 0, "a worker that lived for a minute is forgiven")
    }

    @Test func noPauseAndNoQuarantineWhenBothAreOff() {
        var life = Self.running(PluginRecovery(quarantineCrashes: 0, longestPause: 0))
        for round in 0..<1_000 {
            let (pause, actions) = Self.crash(&life, at: Int64(round))
            #expect(pause == 0)
            #expect(actions.contains(.open(incarnation: round + 2)))
            _ = life.loaded(life.incarnation, refusal: nil, now: Int64(round))
        }
        #expect(life.condition.state == .serving)
    }

    @Test func aCrashIsToldBeforeItsTurnsEndAndOnlyTheyDo() {
        var life = Self.running()
        let reason = "the worker process was ended by SIGSEGV"
        let actions = life.died(1, how: reason, now: 5)
        #expect(
            actions == [
                .notify(.crashed(reason: reason, incarnation: 1)), .warn("\(reason); it is started again at once"),
                .endWork(.crashed, incarnation: 1), .abandon(incarnation: 1), .open(incarnation: 2),
            ])
        #expect(life.condition.state == .restarting)
        #expect(life.condition.reason == reason)
        #expect(life.admit(1, now: 6).refusal == nil, "held until the worker is back")
        #expect(life.holdsMessages)
        #expect(life.loaded(2, refusal: nil, now: 7) == [.sendHeld, .notify(.serving(incarnation: 2))])
        #expect(life.condition.reason == nil)
        #expect(life.died(1, how: reason, now: 8) == [], "news of an earlier incarnation")
    }

    /// Five crashes, at times that are `gap` apart beyond the pauses. Answers when the last was.
    private static func fiveCrashes(_ life: inout InstanceLifecycle) -> (last: Int64, actions: [Action]) {
        var now: Int64 = 0
        var actions: [Action] = []
        for number in 1...5 {
            let (pause, all) = crash(&life, at: now)
            actions = all
            if number == 5 { return (now, actions) }
            now += pause
            _ = life.loaded(life.incarnation, refusal: nil, now: now)
        }
        return (now, actions)
    }

    @Test func fiveCrashesWithinAMinuteQuarantine() {
        var life = Self.running()
        let (now, actions) = Self.fiveCrashes(&life)
        let reason = "the worker process was ended by SIGSEGV"
        #expect(actions.contains(.notify(.quarantined(reason: reason, until: now + 1_000))))
        let incarnation = life.incarnation - 1
        #expect(actions.contains(.reopen(incarnation: incarnation, after: 1_000)))
        let said = actions.contains { if case .warn(let text) = $0 { text.contains("quarantined") } else { false } }
        #expect(said)
    }

    @Test func fiveCrashesInMoreThanAMinuteDoNot() {
        var life = Self.running()
        for number in 0..<20 {
            let now = Int64(number) * 15_001
            let (_, actions) = Self.crash(&life, at: now)
            let isQuarantined = actions.contains { if case .notify(.quarantined) = $0 { true } else { false } }
            #expect(!isQuarantined, "crash \(number)")
            _ = life.loaded(life.incarnation, refusal: nil, now: now)
        }
    }

    @Test func quarantinedTurnsAreRefusedThenOneIsTried() {
        var life = Self.running()
        var now: Int64 = 0
        for _ in 1...4 {
            now += Self.crash(&life, at: now).pause
            _ = life.loaded(life.incarnation, refusal: nil, now: now)
        }
        _ = life.died(life.incarnation, how: "it died", now: now)
        #expect(life.condition.state == .quarantined)
        #expect(life.condition.until == now + 1_000)
        #expect(life.condition.reason == "it died")
        #expect(life.admit(1, now: now).refusal == .quarantined)
        let reopened = life.reopenDue(life.incarnation, now: now + 1_000)
        #expect(reopened == [.open(incarnation: life.incarnation)])
        #expect(life.admit(1, now: now).refusal == .quarantined, "not held: it may never come back")
        #expect(life.condition.state == .onTrial)
        #expect(life.loaded(life.incarnation, refusal: nil, now: now + 1_001) == [.sendHeld])
        #expect(life.admit(7, now: now + 2_000).refusal == nil, "one goes through")
        #expect(life.admit(8, now: now + 2_000).refusal == .quarantined)
        #expect(life.workEnded(3, byPlugin: true, now: now + 2_001) == [], "another's end says nothing")
        #expect(life.workEnded(7, byPlugin: false, now: now + 2_001) == [], "its client has left")
        #expect(life.admit(9, now: now + 2_002).refusal == nil, "so the next one is tried")
        let passed = life.workEnded(9, byPlugin: true, now: now + 2_100)
        #expect(passed.contains(.notify(.serving(incarnation: life.incarnation))))
        #expect(life.condition.state == .serving)
        #expect(life.admit(10, now: now).refusal == nil)
    }

    @Test func aTrialThatGoesOnForLongCountsToo() {
        var life = Self.running(PluginRecovery(quarantineCrashes: 1))
        let (pause, _) = Self.crash(&life, at: 0)
        _ = life.loaded(life.incarnation, refusal: nil, now: pause)
        #expect(life.admit(1, now: 2_000).refusal == nil)
        #expect(life.admit(2, now: 16_999).refusal == .quarantined)
        let admission = life.admit(3, now: 17_000)
        #expect(admission.refusal == nil)
        #expect(admission.actions.contains(.notify(.serving(incarnation: life.incarnation))))
    }

    @Test func eachFailedTrialDoublesTheRestUpToAMinute() {
        var life = Self.running(PluginRecovery(quarantineCrashes: 1))
        var now: Int64 = 0
        var rests: [Int64] = []
        for round in 0..<9 {
            let (rest, _) = Self.crash(&life, at: now)
            rests.append(rest)
            now += rest
            // Every other trial dies while it is loaded, the others with their turn.
            if round % 2 == 0 {
                _ = life.loaded(life.incarnation, refusal: nil, now: now)
                #expect(life.admit(UInt64(round), now: now).refusal == nil)
            }
        }
        #expect(rests == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
        _ = life.loaded(life.incarnation, refusal: nil, now: now)
        _ = life.admit(100, now: now)
        _ = life.workEnded(100, byPlugin: true, now: now)
        #expect(Self.crash(&life, at: now + 60_000).pause == 1_000, "a worker that lived for a minute starts over")
    }

    @Test func aRefusedRestartIsNoSecretForEverybody() {
        var life = Self.running()
        _ = Self.crash(&life, at: 0)
        let actions = life.loaded(life.incarnation, refusal: "/secret/path/lib.so: no such file", now: 1)
        #expect(actions.contains { if case .warn(let text) = $0 { text.contains("/secret/path") } else { false } })
        #expect(life.condition.reason == "it could not be loaded again")
    }

    @Test func whatTheSystemRefusesCountsForNothing() {
        var life = Self.running()
        _ = Self.crash(&life, at: 0)
        for round in 0..<20 {
            let number = life.incarnation
            let actions = life.couldNotOpen(number, why: "no descriptors", now: Int64(round))
            #expect(actions.contains(.reopen(incarnation: number, after: 1_000)))
            #expect(life.reopenDue(number, now: Int64(round)) == [.open(incarnation: number + 1)])
        }
        #expect(life.condition.state == .restarting)
    }

    @Test func theEndComesInEveryPhase() {
        var quarantined = Self.running(PluginRecovery(quarantineCrashes: 1))
        _ = quarantined.died(1, how: "it died", now: 0)
        #expect(quarantined.drain(now: 1) == [.endWork(.unavailable, incarnation: 1), .ended])
        #expect(quarantined.reopenDue(1, now: 1_000) == [], "nothing comes back")
        var dies = Self.running()
        #expect(dies.drain(now: 1) == [.send(.drain)])
        #expect(dies.died(1, how: "it died", now: 2).contains(.endWork(.crashed, incarnation: 1)))
        #expect(dies.condition.state == .ended)
    }

    @Test func stuckInProcessUntilItReturns() {
        var life = InstanceLifecycle(restarts: false)
        _ = life.start(now: 0)
        _ = life.loaded(1, refusal: nil, now: 1)
        #expect(
            life.stuck("turn_begin does not return", now: 2) == [.notify(.stuck(reason: "turn_begin does not return"))])
        #expect(life.condition.state == .stuck)
        #expect(life.admit(1, now: 3).refusal == .unavailable)
        #expect(life.stuck(nil, now: 4) == [.notify(.serving(incarnation: 1))])
        #expect(life.admit(1, now: 5).refusal == nil)
        #expect(life.condition.state == .serving)
    }
}
