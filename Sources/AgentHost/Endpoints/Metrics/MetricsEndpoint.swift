/// `GET /metrics`, for the operator alone: a flat JSON object, or the text of Prometheus for those who accept it
/// (`seed-contracts.md` 1.9).
struct MetricsEndpoint: Endpoint {
    let authorization: AdminAuthorization
    /// All numbers there are; those of one name stand together.
    let metrics: @Sendable () async -> [Metric]

    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        do throws(CallerError) {
            try await authorization.check(authorization: request.head.fields.values("Authorization"))
        } catch {
            throw Refusal(error)
        }
        let metrics = await metrics()
        let wantsText = request.head.fields.values("Accept").contains { $0.lowercased().contains("text/plain") }
        guard wantsText else { return .json(Metric.flatJSON(metrics)) }
        return Answer(
            status: 200,
            fields: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"],
            content: .bytes(Metric.prometheusText(metrics)))
    }
}

extension Router {
    /// Adds `/metrics`.
    mutating func addMetrics(_ endpoint: MetricsEndpoint) { add("GET", "/metrics", endpoint) }
}
