import Testing

@testable import AgentHost

struct MetricTests {
    @Test func labelsAreEscaped() {
        let metric = Metric(
            name: "x_total", kind: .counter, help: "Back\\slash and\nline.",
            labels: [.init(name: "a", value: "q\"b\\c\nd{},="), .init(name: "b", value: "é")], value: -3)
        let text = String(decoding: Metric.prometheusText([metric]), as: UTF8.self)
        #expect(
            text == #"""
                # HELP x_total Back\\slash and\nline.
                # TYPE x_total counter
                x_total{a="q\"b\\c\nd{},=",b="é"} -3

                """#)
        #expect(String(decoding: Metric.flatJSON([metric]), as: UTF8.self) == "{}")
    }

    @Test func aNameIsExplainedOnce() {
        let metrics = [1, 2].map {
            Metric(name: "x", kind: .gauge, help: "X.", labels: [.init(name: "n", value: "\($0)")], value: $0)
        }
        let text = String(decoding: Metric.prometheusText(metrics), as: UTF8.self)
        #expect(text == "# HELP x X.\n# TYPE x gauge\nx{n=\"1\"} 1\nx{n=\"2\"} 2\n")
    }

    @Test func whatIsNoStatusIsNotCounted() {
        let counters = RequestCounters()
        for status in [0, 99, 600, -1, 100, 599, 599] { counters.ended(status) }
        let names = counters.metrics.compactMap(\.flatName)
        #expect(
            names == [
                "gateway_requests_total", "gateway_responses_status_100_total", "gateway_responses_status_599_total",
            ])
    }

    @Test func whatTheKernelSaysOfAProcess() throws {
        let line =
            "42 (a (b) c d) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 7 0 12345 99999999 250 184467440737 1 1"
        let usage = try #require(ProcessUsage(stat: Array(line.utf8)))
        #expect(usage.cpuMilliseconds == 2_000)
        #expect(usage.threads == 7)
        #expect(usage.residentBytes == 250 * 4_096)
        for broken in ["", "42 (a", "42 (a) S 1 2", "42 (a) S x x x x x x x x x x x x x x x x x x x x x x x"] {
            #expect(ProcessUsage(stat: Array(broken.utf8)) == nil)
        }
        let own = try #require(ProcessUsage.ofThisProcess())
        #expect(own.threads > 0 && own.residentBytes > 1 << 20)
        #expect(ProcessUsage.of(pid: 0) == nil && ProcessUsage.of(pid: -1) == nil)
    }
}
