internal import PluginABI
internal import Synchronization

/// The tasks of calls and turns that are not finished yet. Any thread.
final class OpenWork: Sendable {
    private struct State {
        var tasks: [ap_handle: Task<Void, Never>] = [:]
        var emptied: Semaphore?
    }
    private let state = Mutex(State())

    /// Runs `work` in a task of its own; in it, log lines and requests belong to `handle`.
    func start(_ handle: ap_handle, _ work: @escaping @Sendable () async -> Void) {
        // The task is made inside the lock, so that it cannot be forgotten before it was noted.
        state.withLock { state in
            state.tasks[handle] = Task.detached {
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

    /// Cancels everything and waits until it has ended. Blocks the calling thread.
    /// - Returns: whether all ended in time.
    func end(withinSeconds seconds: Int) -> Bool {
        let (tasks, emptied) = state.withLock { state in
            let emptied = state.tasks.isEmpty ? nil : Semaphore()
            state.emptied = emptied
            return (Array(state.tasks.values), emptied)
        }
        for task in tasks { task.cancel() }
        return emptied?.wait(seconds: seconds) ?? true
    }

    private func forget(_ handle: ap_handle) {
        let emptied = state.withLock { state in
            state.tasks[handle] = nil
            return state.tasks.isEmpty ? state.emptied : nil
        }
        emptied?.signal()
    }
}
