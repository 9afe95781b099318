internal import CPlatform
private import Synchronization

/// Tells when something in the plugin folders has changed, once they have been quiet for a moment; and now and then anyway, for file systems
/// that tell nothing.
@safe final class FolderWatch: @unchecked Sendable {
    // Unchecked: `watch` is set in `init`; the kernel's calls on it are safe from any thread.
    private var watch = cplatform_watch(notify: -1, wake: -1)
    /// How long nothing must have happened, in milliseconds: a copy comes in pieces.
    static let quiet: Int32 = 150
    /// Between two looks when nothing happens.
    static let patience: Int32 = 5_000

    private let isClosed = Atomic(false)

    /// - Parameter changed: called on a thread of its own; must not block.
    init(_ folders: [String], changed: @escaping @Sendable () -> Void) {
        // Without descriptors there is nothing to wake us but time.
        _ = unsafe cplatform_watch_open(&watch)
        for folder in folders { add(folder) }
        _ = NativeThread(name: "plugin-watch") {
            while self.waitForQuiet() { changed() }
        }
    }

    deinit { unsafe cplatform_watch_close(&watch) }

    /// Watches a folder as well; again does nothing. Any thread.
    func add(_ folder: String) { _ = unsafe cplatform_watch_add(&watch, folder) }

    /// Ends the thread. Any thread.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        unsafe cplatform_watch_wake(&watch)
    }

    private func waitForQuiet() -> Bool {
        var news = wait(FolderWatch.patience)
        while news == 1 { news = wait(FolderWatch.quiet) }
        return news != -1 && !isClosed.load(ordering: .relaxed)
    }

    private func wait(_ milliseconds: Int32) -> Int32 { unsafe cplatform_watch_wait(&watch, milliseconds) }
}
