import Testing

@testable import AgentHost

struct DeploymentTests {
    /// A deployment and its clock.
    private struct Bench {
        var deployment = Deployment(plugin: "p")
        var time: Int64 = 1_000_000
        var now: Deployment.Moment {
            Deployment.Moment(wall: Timestamp(microseconds: time * 1_000), monotonic: time)
        }

        /// A new generation with that content.
        mutating func begin(_ hash: String) -> Int {
            deployment.begin(version: "1.\(hash)", hash: hash, file: "P.agentplugin", now: now.wall)
        }

        @discardableResult
        mutating func install(_ hash: String, percent: Int? = nil) -> [Deployment.Action] {
            let number = begin(hash)
            return deployment.loaded(number, percent: percent, now: now)
        }

        mutating func pass(_ milliseconds: Int64) { time += milliseconds }

        mutating func prove(_ number: Int) -> [Deployment.Action] {
            pass(Deployment.probation)
            return deployment.probationOver(number, now: now)
        }

        func status(_ number: Int) -> Deployment.Status? { deployment.record(number)?.status }
    }

    @Test func theFirstServesAtOnce() {
        var bench = Bench()
        let actions = bench.install("a")
        #expect(actions.contains(.route) && !actions.contains(.retire(1)))
        #expect(bench.deployment.serving == 1 && bench.deployment.standby == nil)
        #expect(bench.deployment.verdict(on: "a") == .isLive && bench.deployment.verdict(on: "b") == .load)
    }

    @Test func theOldOneStandsByForAMinute() {
        var bench = Bench()
        bench.install("a")
        let actions = bench.install("b")
        #expect(bench.deployment.serving == 2 && bench.deployment.standby == 1 && bench.status(1) == .standby)
        #expect(!actions.contains(.retire(1)))
        bench.pass(Deployment.probation - 1)
        #expect(bench.deployment.probationOver(2, now: bench.now).isEmpty)
        bench.pass(1)
        #expect(bench.deployment.probationOver(2, now: bench.now) == [.retire(1)])
        #expect(bench.status(1) == .draining && bench.deployment.standby == nil)
        bench.deployment.gone(1, now: bench.now.wall)
        #expect(bench.status(1) == .ended)
    }

    @Test func aThirdSendsTheFirstAway() {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        #expect(bench.install("c").contains(.retire(1)))
        #expect(bench.deployment.serving == 3 && bench.deployment.standby == 2)
    }

    @Test func threeCrashesInTheFirstMinuteReturn() {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        #expect(bench.deployment.crashed(2, "SIGSEGV", now: bench.now).isEmpty)
        #expect(bench.deployment.crashed(2, "SIGSEGV", now: bench.now).isEmpty)
        let actions = bench.deployment.crashed(2, "SIGSEGV", now: bench.now)
        #expect(actions.contains(.route) && actions.contains(.retire(2)))
        #expect(bench.deployment.serving == 1 && bench.deployment.standby == nil && bench.status(2) == .returned)
        #expect(bench.deployment.record(2)?.reason?.contains("3 crashes") == true)
        #expect(bench.deployment.record(2)?.reason?.contains("SIGSEGV") == true)
        #expect(bench.deployment.verdict(on: "b") == .isHeldBack, "the folder still holds it")
        #expect(bench.deployment.verdict(on: "c") == .load)
        #expect(bench.deployment.crashed(2, "SIGSEGV", now: bench.now).isEmpty, "news of what is gone")
    }

    @Test func crashesAfterTheFirstMinuteDoNot() {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        _ = bench.prove(2)
        for _ in 0..<5 { #expect(bench.deployment.crashed(2, "SIGSEGV", now: bench.now).isEmpty) }
        #expect(bench.deployment.serving == 2)
    }

    @Test func whatNeverReturnsIsTakenBackAtOnce() {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        #expect(bench.deployment.crashed(2, "stuck", isFinal: true, now: bench.now).contains(.retire(2)))
        #expect(bench.deployment.serving == 1)
    }

    @Test func theFirstOneHasNothingToReturnTo() {
        var bench = Bench()
        bench.install("a")
        for _ in 0..<5 { #expect(bench.deployment.crashed(1, "SIGSEGV", now: bench.now).isEmpty) }
        #expect(bench.deployment.serving == 1)
    }

    @Test func whatHasEndedIsLoadedAgain() {
        var bench = Bench()
        bench.install("a")
        _ = bench.prove(1)
        bench.install("b")
        bench.install("c")
        // 1 goes, 2 stands by; 3 and then 2 crash.
        bench.deployment.gone(1, now: bench.now.wall)
        for _ in 0..<3 { _ = bench.deployment.crashed(3, "x", now: bench.now) }
        #expect(bench.deployment.serving == 2)
        var actions: [Deployment.Action] = []
        for _ in 0..<3 { actions = bench.deployment.crashed(2, "y", now: bench.now) }
        #expect(actions.contains(.load(1)) && bench.deployment.serving == 2, "it serves on until the other is there")
        #expect(bench.deployment.crashed(2, "y", now: bench.now).isEmpty, "asked for once")
        actions = bench.deployment.loadedAgain(1, now: bench.now)
        #expect(actions == [.route, .retire(2)])
        #expect(bench.deployment.serving == 1 && bench.status(2) == .returned)
    }

    @Test func aFailureLeavesWhatServes() {
        var bench = Bench()
        bench.install("a")
        let number = bench.begin("b")
        bench.deployment.failed(number, "create failed", now: bench.now.wall)
        #expect(bench.deployment.serving == 1 && bench.status(2) == .failed)
        #expect(bench.deployment.record(2)?.reason == "create failed")
        #expect(bench.deployment.verdict(on: "b") == .load, "it may work another time")
    }

    @Test func aCanaryIsTriedAndPromoted() throws {
        var bench = Bench()
        bench.install("a")
        #expect(bench.install("b", percent: 10).contains(.route))
        #expect(bench.deployment.serving == 1 && bench.deployment.canary == 2 && bench.deployment.percent == 10)
        #expect(bench.deployment.verdict(on: "b") == .isLive)
        #expect(try bench.deployment.setPercent(50) == [.route])
        let actions = try bench.deployment.promote(now: bench.now)
        #expect(actions.contains(.route) && bench.deployment.serving == 2 && bench.deployment.canary == nil)
        #expect(bench.deployment.standby == 1)
        #expect(throws: Deployment.Refusal.self) { try bench.deployment.promote(now: bench.now) }
    }

    @Test func aCrashingCanaryIsTakenBack() {
        var bench = Bench()
        bench.install("a")
        bench.install("b", percent: 10)
        for _ in 0..<2 { #expect(bench.deployment.crashed(2, "x", now: bench.now).isEmpty) }
        #expect(bench.deployment.crashed(2, "x", now: bench.now).contains(.retire(2)))
        #expect(bench.deployment.canary == nil && bench.deployment.serving == 1 && bench.status(2) == .returned)
        #expect(bench.deployment.verdict(on: "b") == .isHeldBack)
    }

    @Test func aCanaryWithoutOneThatServesServes() {
        var bench = Bench()
        bench.install("a", percent: 10)
        #expect(bench.deployment.serving == 1 && bench.deployment.canary == nil)
    }

    @Test func theOperatorRollsBack() throws {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        let actions = try bench.deployment.rollBack(now: bench.now)
        #expect(actions.contains(.route) && actions.contains(.retire(2)) && bench.deployment.serving == 1)
        #expect(bench.deployment.verdict(on: "b") == .isHeldBack)
        _ = bench.deployment.withdraw(disabling: true, "disabled", now: bench.now.wall)
        bench.deployment.enable()
        #expect(bench.deployment.servedLast == 1, "that is what serves again")
        #expect(bench.deployment.verdict(on: "b") == .isHeldBack)
    }

    @Test func rollingBackToWhatHasEndedLoadsIt() throws {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        #expect(bench.prove(2) == [.retire(1)])
        bench.deployment.gone(1, now: bench.now.wall)
        #expect(try bench.deployment.rollBack(to: 1, now: bench.now).contains(.load(1)))
        #expect(bench.deployment.loadedAgain(1, now: bench.now).contains(.retire(2)))
        #expect(throws: Deployment.Refusal.self) { try bench.deployment.rollBack(to: 1, now: bench.now) }
        #expect(throws: Deployment.Refusal.self) { try bench.deployment.rollBack(to: 9, now: bench.now) }
    }

    @Test func pinnedThreadsKeepAGeneration() throws {
        var bench = Bench()
        bench.install("a")
        #expect(try bench.deployment.pin("thr_1", to: 1) == [.route])
        bench.install("b")
        #expect(bench.prove(2).isEmpty && bench.status(1) == .pinned, "kept for the thread")
        #expect(try bench.deployment.unpin("thr_1", now: bench.now.wall) == [.route, .retire(1)])
        bench.deployment.gone(1, now: bench.now.wall)
        #expect(throws: Deployment.Refusal.self) { try bench.deployment.pin("thr_1", to: 1) }
        #expect(throws: Deployment.Refusal.self) { try bench.deployment.unpin("thr_1", now: bench.now.wall) }
    }

    @Test func disabledStaysDisabled() {
        var bench = Bench()
        bench.install("a")
        let actions = bench.deployment.withdraw(disabling: true, "disabled", now: bench.now.wall)
        #expect(actions == [.route, .retire(1)] && bench.deployment.serving == nil)
        #expect(bench.deployment.verdict(on: "b") == .isDisabled)
        bench.deployment.enable()
        #expect(bench.deployment.verdict(on: "b") == .load)
    }

    @Test func itSurvivesARestart() throws {
        var bench = Bench()
        bench.install("a")
        bench.install("b")
        _ = bench.prove(2)
        bench.install("c", percent: 25)
        _ = try bench.deployment.pin("thr_1", to: 2)
        let text = bench.deployment.json.encoded
        var kept = try #require(Deployment(try JSON.parse(text)))
        #expect(kept.serving == 2 && kept.canary == 3 && kept.percent == 25 && kept.pins == ["thr_1": 2])
        #expect(kept.records.map(\.hash) == ["a", "b", "c"] && kept.record(2)?.isProven == true)
        kept.restart(now: bench.now.wall)
        #expect(kept.records.allSatisfy { !$0.isLive } && kept.lastNumber == 3)
        kept.beginAgain(2, now: bench.now.wall)
        #expect(kept.loadedAgain(2, now: bench.now) == [.route])
        kept.beginAgain(3, now: bench.now.wall)
        #expect(kept.loaded(3, percent: 25, now: bench.now).contains(.route) && kept.canary == 3)
    }

    @Test(arguments: [
        #"{}"#, #"{"plugin":"p","last":-1,"percent":0,"generations":[]}"#,
        #"{"plugin":"p","last":1,"percent":0,"generations":[{"number":1}]}"#, "[]",
    ])
    func whatIsNoDeploymentIsNotRead(_ text: String) throws {
        #expect(Deployment(try JSON.parse(text)) == nil)
    }

    @Test func onlySoMuchHistoryIsKept() {
        var bench = Bench()
        for number in 1...60 {
            bench.install("h\(number)")
            for record in bench.deployment.records where record.status == .draining {
                bench.deployment.gone(record.number, now: bench.now.wall)
            }
        }
        #expect(bench.deployment.records.count <= Deployment.historyLimit + 1 && bench.deployment.serving == 60)
    }
}
