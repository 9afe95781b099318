/// A question of the host to the plugin: how it is, its state.
private final class ControlWork: OpenWork {
    let scope: WorkScope
    var kind: WorkKind { .control }
    private let completion: @Sendable (Result<[UInt8], ProviderFailure>) -> Void

    init(deadline: Int64, completion: @escaping @Sendable (Result<[UInt8], ProviderFailure>) -> Void) {
        scope = WorkScope(deadline: deadline)
        self.completion = completion
    }

    /// Nobody is told how far it is.
    func received(_ event: PluginEvent) -> Int { event.payloadSize }

    func finished(_ status: Int32, _ result: [UInt8]) {
        if status < 0 { return end(ProviderFailure(status: status, message: String(decoding: result, as: UTF8.self))) }
        completion(.success(result))
    }

    func end(_ failure: ProviderFailure) { completion(.failure(failure)) }
}

extension PluginInstance {
    /// Asks the plugin and waits for what it finishes with.
    ///
    /// - Parameter timeout: milliseconds.
    func control(_ call: ControlCall, timeout: Int64) async throws(ProviderFailure) -> [UInt8] {
        let deadline = monotonicMilliseconds() + timeout
        let result = await withCheckedContinuation { continuation in
            let work = ControlWork(deadline: deadline) { continuation.resume(returning: $0) }
            _ = open(work) { .control(token: $0, deadline: deadline, call) }
        }
        return try result.get()
    }
}
