internal import PluginABI
internal import Synchronization

/// The tasks of calls and turns that are not finished yet. Any thread.
final class OpenWork: Sendable {
    private struct State {
        var tasks: [ap_handle: Task<Void, Never>] = [:]
        /// What finishes a handle whose task does not end.
        var finishes: [ap_handle: @Sendable () -> Void] = [:]
        var emptied: Semaphore?
    }
    private let state = Mutex(State())

    /// Runs `work` in a task of its own; in it, log lines and requests belong to `handle`.
    ///
    /// - Parameter abandon: finishes the handle in place of a task that ignores its cancellation at the end.
    func start(
        _ handle: ap_handle, abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async -> Void
    ) {
        // The task is made inside the lock, so that it cannot be forgotten before it was noted.
        state.withLock { state in
            state.finishes[handle] = abandon
            state.tasks[handle] = Task.detached(executorPreference: PluginExecutor.shared) {
                await Host.$scope.withValue(handle) { await work() }
                self.forget(handle)
            }
        }
    }

    /// Cancels the task of a handle, if it still runs.
    func cancel(_ handle: ap_handle) {
        let task = state.withLock { $0.tasks[handle] }
        task?.cancel()
    }

    /// Cancels everything and waits until it has ended; what has not is finished without its task. Blocks the calling thread.
    /// - Returns: whether all ended in time.
    func end(withinSeconds seconds: Int) -> Bool {
        let (tasks, emptied) = state.withLock { state in
            let emptied = state.tasks.isEmpty ? nil : Semaphore()
            state.emptied = emptied
            return (Array(state.tasks.values), emptied)
        }
        for task in tasks { task.cancel() }
        guard let emptied, !emptied.wait(seconds: seconds) else { return true }
        for abandon in state.withLock({ Array($0.finishes.values) }) { abandon() }
        return false
    }

    private func forget(_ handle: ap_handle) {
        let emptied = state.withLock { state in
            state.tasks[handle] = nil
            state.finishes[handle] = nil
            return state.tasks.isEmpty ? state.emptied : nil
        }
        emptied?.signal()
    }
}
