internal import CPlatform

/// A POSIX thread: for work that blocks, which must never run on an event loop or on Swift's pool.
///
/// The thread starts at once and runs `body` to its end; `join` waits for that and must be called at most once (or `detach`).
final class NativeThread: Sendable {
    private let id: UInt

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
    func join() { cplatform_thread_join(id) }

    /// Lets the thread clean up after itself; instead of `join`, at most once.
    func detach() { cplatform_thread_detach(id) }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
