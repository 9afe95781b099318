import Testing

@testable import AgentHost

struct LoadTests {
    /// Between the bounds it stays as it is.
    @Test func twoBoundsKeepItFromChangingToAndFro() {
        var load = Load(low: 2_000, high: 4_000)
        #expect(!load.isHigh)
        var seen: [Bool] = []
        for (window, each) in [100, 199, 200, 150, 100, 99, 150, 200].enumerated() {
            // Windows of 50 ms: 100 are 2,000 a second.
            load.count(each, at: Int64(window + 1) * 50)
            seen.append(load.isHigh)
        }
        #expect(seen == [false, false, true, true, true, false, false, true])
    }

    /// Many small rounds are as much as one large one; a long rest is little.
    @Test func whatCountsIsTheWorkOfASecond() {
        var load = Load(low: 2_000, high: 4_000)
        for round in 0..<50 { load.count(4, at: 1_000 + Int64(round)) }
        #expect(!load.isHigh, "the first window took a second")
        for round in 0..<200 { load.count(5, at: 1_050 + Int64(round)) }
        #expect(load.isHigh)
        load.count(100, at: 60_000)
        #expect(!load.isHigh)
    }
}
