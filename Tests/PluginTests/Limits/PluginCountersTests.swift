import Testing

@testable import AgentHost

/// What a worker says of itself is kept within what is possible.
struct PluginCountersTests {
    private let lies: [Int64] = [.max, .min, -1, 0, 1 << 62]

    @Test func aWorkerHasNoMoreLaneTimeThanThereWasTime() {
        var counters = PluginCounters()
        counters.beganRuntime(now: 1_000)
        for lie in lies { counters.metered(1, lie, mode: .worker, now: 3_000) }
        #expect(counters.laneMicroseconds <= 2_001_000)
        counters.metered(1, 5, mode: .worker, now: 4_000)
        #expect(counters.laneMicroseconds == 2_001_000, "it never goes down")
    }

    @Test func noLieMakesASumOverflow() {
        var counters = PluginCounters()
        for _ in 0..<100 {
            counters.beganRuntime(now: 0)
            for item in UInt32(0)..<64 {
                for lie in lies { counters.metered(item, lie, mode: .worker, now: .max / 2_000) }
            }
            counters.metered(.max, .max, mode: .worker, now: 1)
        }
        #expect(counters.timers >= 0 && counters.timers <= 100 << 50)
        #expect(counters.cpuMilliseconds == 0, "a worker's CPU time comes from the kernel")
        #expect((0...(1 << 24)).contains(counters.runtime.openTimers))
        #expect(counters.limitHits.values.allSatisfy { (0...(100 << 50)).contains($0) })
        #expect(counters.restarts == 99)
    }

    @Test func whatDeadRuntimesUsedStaysCounted() {
        var counters = PluginCounters()
        counters.beganRuntime(now: 0)
        counters.metered(1, 7_000, mode: .worker, now: 1_000)
        counters.metered(32 + 8, 3, mode: .worker, now: 1_000)
        _ = counters.sampled(ProcessUsage(residentBytes: 1, cpuMilliseconds: 40, threads: 1), PluginLimits(), now: 1)
        counters.beganRuntime(now: 2_000)
        counters.metered(1, 1_000, mode: .worker, now: 3_000)
        counters.metered(32 + 8, 1, mode: .worker, now: 3_000)
        _ = counters.sampled(ProcessUsage(residentBytes: 1, cpuMilliseconds: 2, threads: 1), PluginLimits(), now: 2)
        #expect(counters.laneMicroseconds == 8_000)
        #expect(counters.cpuMilliseconds == 42)
        #expect(counters.limitHits == [.turnTimers: 4])
        #expect(counters.restarts == 1)
    }

    @Test func memoryAndThreadsAtTheirLimits() {
        var limits = PluginLimits()
        limits[.memoryMegabytes] = 100
        limits[.threads] = 8
        var counters = PluginCounters()
        func check(_ bytes: Int64, _ threads: Int64) -> PluginLimit? {
            counters.sampled(ProcessUsage(residentBytes: bytes, cpuMilliseconds: 0, threads: threads), limits, now: 0)?
                .0
        }
        #expect(check(100 << 20, 8) == nil)
        #expect(check(100 << 20 + 1, 8) == .memoryMegabytes)
        #expect(check(100 << 20, 9) == .threads)
        limits[.memoryMegabytes] = 0
        limits[.threads] = 0
        #expect(check(1 << 40, 1_000_000) == nil)
    }

    /// An average over ten samples: a short burst is no offence.
    @Test func theUseOfCPUIsAveraged() {
        var limits = PluginLimits()
        limits[.cpuPercent] = 50
        func run(_ busy: (Int64) -> Int64) -> Int64? {
            var counters = PluginCounters()
            var used: Int64 = 0
            for second in 0...Int64(30) {
                used += busy(second)
                let usage = ProcessUsage(residentBytes: 0, cpuMilliseconds: used, threads: 1)
                if let passed = counters.sampled(usage, limits, now: second * 1_000) { return passed.used }
            }
            return nil
        }
        #expect(run { _ in 500 } == nil)
        #expect(run { _ in 510 } == 51)
        #expect(run { $0 < 5 ? 1_000 : 0 } == nil)
        #expect(run { _ in 1_500 } == 150)
    }

    @Test func requestsOfASecond() {
        var counters = PluginCounters()
        func call(_ limit: Int64, _ now: Int64) -> Bool { counters.called("ap.host.kv/1", limit: limit, now: now) }
        // Twice as many, for the runtime's seconds begin at other times.
        for count in 1...30 { #expect(call(10, 5_000) == (count <= 20)) }
        #expect(call(10, 6_000))
        for _ in 1...1_000 { #expect(call(0, 6_000)) }
        #expect(counters.hostCalls == ["ap.host.kv/1": 1_031])
    }
}
