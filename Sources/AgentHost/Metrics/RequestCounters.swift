private import Synchronization

/// Counts requests and how they were answered. May be used from any thread; costs one uncontended lock.
final class RequestCounters: Sendable {
    private struct State {
        var methods = [Int64](repeating: 0, count: RequestCounters.methods.count + 1)
        /// By status, 100 to 599.
        var statuses = [Int64](repeating: 0, count: 500)
    }
    private let state = Mutex(State())

    /// Others are counted as `OTHER`: a client may send any word.
    private static let methods = ["GET", "POST", "OPTIONS", "HEAD", "DELETE", "PUT", "PATCH"]

    /// A request has come.
    func began(_ method: String) {
        let index = RequestCounters.methods.firstIndex(of: method) ?? RequestCounters.methods.count
        state.withLock { $0.methods[index] += 1 }
    }

    /// It was answered; 499: the client left before it had its whole answer.
    func ended(_ status: Int) {
        guard (100..<600).contains(status) else { return }
        state.withLock { $0.statuses[status - 100] += 1 }
    }

    /// All numbers, those that are 0 left out but for the total.
    var metrics: [Metric] {
        let (methods, statuses) = state.withLock { ($0.methods, $0.statuses) }
        let total = methods.reduce(0, +)
        var metrics = [Metric.plain("gateway_requests_total", .counter, total, "Requests that have come.")]
        for (name, count) in zip(RequestCounters.methods + ["OTHER"], methods) where count > 0 {
            metrics.append(
                Metric(
                    name: "gateway_requests_method_total", kind: .counter, help: "Requests by method.",
                    labels: [.init(name: "method", value: name)], value: count,
                    flatName: "gateway_requests_method_\(name)_total"))
        }
        for (index, count) in statuses.enumerated() where count > 0 {
            metrics.append(
                Metric(
                    name: "gateway_responses_status_total", kind: .counter,
                    help: "Answers by status; 499: the client left before it had its whole answer.",
                    labels: [.init(name: "status", value: "\(index + 100)")], value: count,
                    flatName: "gateway_responses_status_\(index + 100)_total"))
        }
        return metrics
    }
}
