internal import PluginRuntime

/// Cuts the bytes of a worker into messages. The bytes are hostile: at most one frame is ever kept, and what is no frame ends it.
///
/// Pure: no I/O, no clock.
struct FrameReader: Sendable {
    enum Failure: Error, Hashable { case noFrame }

    private var bytes: [UInt8] = []

    /// Adds what was read and answers the events that are complete now; unknown ones are left out.
    mutating func feed(_ piece: some Collection<UInt8>) throws(Failure) -> [PluginEvent] {
        bytes.append(contentsOf: piece)
        var events = PluginEventBatch()
        var start = 0
        var isBroken = false
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            while start < buffer.count {
                var message = apr_message()
                let taken = unsafe apr_frame_read(base + start, buffer.count - start, &message)
                if taken <= 0 {
                    isBroken = taken < 0
                    return
                }
                unsafe events.append(&message)
                start += Int(taken)
            }
        }
        bytes.removeFirst(start)
        if isBroken { throw .noFrame }
        return events.take()
    }
}
