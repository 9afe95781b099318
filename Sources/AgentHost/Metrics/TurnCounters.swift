private import Synchronization

/// Counts turns by how they ended. May be used from any thread.
final class TurnCounters: Sendable {
    private let outcomes = Mutex<[String: Int64]>([:])

    /// - Parameter outcome: `completed`, `failed`, `cancelled`, `interrupted` or `deleted`.
    func ended(_ outcome: String) { outcomes.withLock { $0[outcome, default: 0] += 1 } }

    /// - Parameter open: turns that run or wait now.
    func metrics(open: Int) -> [Metric] {
        let counts = outcomes.withLock { $0 }.sorted { $0.key < $1.key }
        return [
            .plain("turns_open", .gauge, Int64(open), "Turns that run or wait now."),
            .plain("turns_total", .counter, counts.reduce(0) { $0 + $1.value }, "Turns that have ended."),
        ]
            + counts.map { outcome, count in
                Metric(
                    name: "turns_outcome_total", kind: .counter, help: "Turns that have ended, by how.",
                    labels: [.init(name: "outcome", value: outcome)], value: count,
                    flatName: "turns_outcome_\(outcome)_total")
            }
    }
}
