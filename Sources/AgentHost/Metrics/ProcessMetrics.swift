/// What this process uses.
enum ProcessMetrics {
    private static let start = monotonicMilliseconds()

    /// Call it once when the process begins: from then on its age is counted.
    static func begin() { _ = start }

    static var metrics: [Metric] {
        var metrics = [
            Metric.plain(
                "process_uptime_seconds", .gauge, (monotonicMilliseconds() - start) / 1_000,
                "Since the server was started.")
        ]
        if let usage = ProcessUsage.ofThisProcess() {
            metrics += [
                .plain(
                    "process_resident_memory_bytes", .gauge, usage.residentBytes,
                    "Memory of the server, with the plugins in process and without workers."),
                .plain(
                    "process_cpu_milliseconds_total", .counter, usage.cpuMilliseconds,
                    "CPU time of the server, with the plugins in process and without workers."),
                .plain("process_threads", .gauge, usage.threads, "Threads of the server."),
            ]
        }
        return metrics
    }
}
