internal import CPlatform
private import Synchronization

/// A POSIX thread: for work that blocks, which must never run on an event loop or on Swift's pool.
///
/// The thread starts at once and runs `body` to its end; `join` waits for that and must be called at most once.
/// A thread that nobody joins runs on by itself. When it is woken it does not push aside what runs: on a busy machine it waits until that
/// has ended its iteration, and then finds more to do at once (docs/performance.md). Threads that others wait for change that by how much
/// there is to do (`WakePolicy`).
final class NativeThread: Sendable {
    private let id: UInt
    private let isJoined = Atomic(false)

    /// - Parameters:
    ///   - name: shown by tools such as `top -H`; at most 15 bytes are kept.
    ///   - stackBytes: size of the stack; 0 means the system's default.
    init(name: String, stackBytes: Int = 0, body: @escaping @Sendable () -> Void) {
        let box = unsafe Unmanaged.passRetained(Body(body))
        var id: UInt = 0
        let error = unsafe cplatform_thread_start(
            name, stackBytes,
            { unsafe Unmanaged<Body>.fromOpaque($0.unsafelyUnwrapped).takeRetainedValue().run() },
            box.toOpaque(), &id)
        precondition(error == 0, "cannot start thread \(name): errno \(error)")
        self.id = id
    }

    /// Waits until the body has returned. Blocks the calling thread.
    func join() {
        isJoined.store(true, ordering: .relaxed)
        cplatform_thread_join(id)
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { cplatform_thread_detach(id) }
    }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
