internal import CPlatform
private import Synchronization

/// This host as a holder of turn leases, and the means to see whether another holder still lives.
///
/// A holder is a random number. As long as it lives it keeps the byte of that number in the file `<database>-hosts` locked
/// (the file stays empty: bytes beyond its end can be locked). The kernel drops the lock with the process, however it ends, so
/// that a lease whose holder's byte is not locked belongs to a dead host. Unlike process ids this holds across containers,
/// reboots and reused ids. Two stores in one process are two holders. May be used from any thread.
final class LeaseHolder: Sendable {
    let id: Int64
    /// Nil once given back.
    private let descriptor: Mutex<Int32?>

    /// Takes a number for this host.
    ///
    /// - Parameter path: the database's.
    init(path: String) throws(StoreOpenError) {
        let file = path + "-hosts"
        let descriptor = unsafe cplatform_locks_open(file)
        guard descriptor >= 0 else { throw .place(file, errno: -descriptor) }
        let id = Int64.random(in: 1..<(1 << 62))
        let error = cplatform_locks_take(descriptor, id)
        guard error == 0 else {
            cplatform_locks_close(descriptor)
            throw .place(file, errno: error)
        }
        self.id = id
        self.descriptor = Mutex(descriptor)
    }

    deinit { giveBack() }

    /// Whether the holder of that number still lives. True when the system cannot tell: a lease is never taken from somebody
    /// who may be at work.
    func isAlive(_ other: Int64) -> Bool {
        descriptor.withLock { descriptor in
            if other == id { return descriptor != nil }
            guard let descriptor else { return true }
            return cplatform_locks_taken(descriptor, other) != 0
        }
    }

    /// Ends this holder: what it still holds belongs to a dead host from now on.
    func giveBack() {
        descriptor.withLock { descriptor in
            if let open = descriptor { cplatform_locks_close(open) }
            descriptor = nil
        }
    }
}
