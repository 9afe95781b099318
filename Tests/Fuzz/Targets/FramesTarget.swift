@testable import AgentHost
import PluginABI
import PluginRuntime

/// The frames of a worker: the reader in C on exactly the bytes given, then the host's reader, whole and in slices.
@c(fuzz_frames)
public func fuzzFrames(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    readInPlace(data, size)
    let input = Input(slicing: data, size)
    let whole = events([input.bytes])
    require(events(input.slices) == whole, "slices give something else than the whole")
    if input.bytes.count <= 512 {
        require(events(input.singles) == whole, "single bytes give something else than the whole")
    }
    return 0
}

/// AddressSanitizer watches the ends of `data`. What was read and is written again is read as the same.
private func readInPlace(_ data: UnsafePointer<UInt8>, _ size: Int) {
    var start = 0
    while start < size {
        var message = apr_message()
        let taken = apr_frame_read(data + start, size - start, &message)
        require(taken <= size - start, "more was taken than there is")
        guard taken > 0 else { return }
        _ = PluginEvent(&message)
        var frame = [UInt8](repeating: 0, count: apr_frame_size(&message))
        require(frame.count <= Int(taken), "the frame grew when it was written again")
        apr_frame_write(&message, &frame)
        var again = apr_message()
        let count = frame.count
        frame.withUnsafeBufferPointer { frame in
            guard let base = frame.baseAddress else { return }
            require(apr_frame_read(base, count, &again) == count, "what was written cannot be read")
            require(isEqual(message, again), "what was written is read as something else")
        }
        start += Int(taken)
    }
}

private func isEqual(_ a: apr_message, _ b: apr_message) -> Bool {
    func strings(_ message: apr_message) -> [[UInt8]] {
        let s = message.s
        return [s.0, s.1, s.2, s.3, s.4, s.5].map {
            Array(UnsafeRawBufferPointer(start: UnsafeRawPointer($0.ptr), count: $0.len))
        }
    }
    return a.op == b.op && a.status == b.status && a.item == b.item && a.token == b.token && a.number == b.number
        && strings(a) == strings(b)
}

/// The events until the bytes end, texts of one item put together; nil alone when something is no frame.
private func events(_ slices: [[UInt8]]) -> [PluginEvent?] {
    var reader = FrameReader()
    var events = PluginEventBatch()
    for slice in slices {
        do { for event in try reader.feed(slice) { events.append(event) } } catch { return [nil] }
    }
    return events.take()
}
