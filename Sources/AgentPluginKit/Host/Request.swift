internal import PluginABI
internal import Synchronization

/// One asynchronous request to the host, awaited by one task. Cancelling the task cancels the request.
///
/// The host keeps the object alive from the accepted start to AP_EV_END.
final class Request: Sendable {
    private struct State {
        var continuation: CheckedContinuation<JSON, any Error>?
        var handle: ap_handle?
        var isCancelled = false
    }
    private let state = Mutex(State())
    private let onEvent: (@Sendable (JSON) -> Void)?

    private init(onEvent: (@Sendable (JSON) -> Void)?) { self.onEvent = onEvent }

    /// A start that the host accepts or refuses; it gets the callback and its argument.
    typealias Start = @Sendable (ap_event_fn, UnsafeMutableRawPointer) -> (status: ap_status, request: ap_handle)

    /// Starts a request and waits for its end.
    /// - Parameter onEvent: called for each piece and progress, on the host's lane: must not block.
    /// - Throws: ``HostError``, or `CancellationError` if the task was cancelled.
    static func run(
        on host: HostTables, onEvent: (@Sendable (JSON) -> Void)? = nil, start: @escaping Start
    ) async throws -> JSON {
        try Task.checkCancellation()
        let request = Request(onEvent: onEvent)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { unsafe request.begin($0, on: host, start) }
        } onCancel: {
            request.cancel(on: host)
        }
    }

    private func begin(_ continuation: CheckedContinuation<JSON, any Error>, on host: HostTables, _ start: Start) {
        state.withLock { $0.continuation = continuation }
        let kept = unsafe Unmanaged.passRetained(self)
        let (status, handle) = unsafe start(Request.receive, kept.toOpaque())
        guard status >= AP_OK else {
            unsafe kept.release()
            return end(.failure(HostError(status: status)))
        }
        let isCancelled = state.withLock {
            $0.handle = handle
            return $0.isCancelled
        }
        if isCancelled { host.cancel(request: handle) }
    }

    private func cancel(on host: HostTables) {
        let handle = state.withLock {
            $0.isCancelled = true
            return $0.handle
        }
        if let handle { host.cancel(request: handle) }
    }

    private func end(_ result: Result<JSON, any Error>) {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(with: result)
    }

    private func receive(_ event: ap_event, _ status: ap_status, _ data: ap_str) {
        switch event {
        case AP_EV_END where status >= AP_OK:
            end(Result { unsafe data.len == 0 ? .object(JSONObject()) : try JSON.parse(data.bytes) })
        case AP_EV_END where status == AP_E_CANCELLED && state.withLock({ $0.isCancelled }):
            end(.failure(CancellationError()))
        case AP_EV_END: unsafe end(.failure(HostError(status: status, data.copy)))
        case AP_EV_DATA, AP_EV_PROGRESS:
            if let onEvent, let json = unsafe try? JSON.parse(data.bytes) { onEvent(json) }
        default: break
        }
    }

    /// The callback of every request. Consumes the reference taken in `begin` at the end.
    private static let receive: ap_event_fn = { user, _, event, status, data in
        guard let user = unsafe user else { return }
        let kept = unsafe Unmanaged<Request>.fromOpaque(user)
        unsafe kept.takeUnretainedValue().receive(event, status, data)
        if event == AP_EV_END { unsafe kept.release() }
    }
}
