internal import PluginABI

extension ap_str {
    /// A copy of the text; invalid bytes become U+FFFD.
    var copy: String { unsafe String(decoding: bytes, as: UTF8.self) }

    /// A copy of the bytes.
    var bytes: [UInt8] {
        guard let start = unsafe ptr, unsafe len > 0 else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: len))
    }
}

/// Lends the bytes to `body` as an `ap_str`, which is valid only inside.
func lend<Result>(_ bytes: [UInt8], _ body: (ap_str) -> Result) -> Result {
    unsafe bytes.withUnsafeBytes { buffer in
        unsafe body(ap_str(ptr: buffer.bindMemory(to: CChar.self).baseAddress, len: buffer.count))
    }
}

/// Lends the text to `body` as an `ap_str`, which is valid only inside.
func lend<Result>(_ text: String, _ body: (ap_str) -> Result) -> Result {
    var text = text
    return text.withUTF8 { buffer in
        let raw = UnsafeRawBufferPointer(buffer)
        return unsafe body(ap_str(ptr: raw.bindMemory(to: CChar.self).baseAddress, len: raw.count))
    }
}
