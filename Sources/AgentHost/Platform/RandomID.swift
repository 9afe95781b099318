internal import CPlatform

/// `count` bytes from the kernel's generator.
func randomBytes(_ count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        if let base = buffer.baseAddress { unsafe cplatform_random(base, count) }
        initialized = count
    }
}

/// An identifier `<prefix>_<24 hex digits>`: 96 random bits, so that ids never meet.
func randomID(_ prefix: String) -> String { prefix + "_" + randomDigits(24) }

/// An identifier `<prefix>_<12 hex digits><24 hex digits>`: the milliseconds since 1970, then 96 random bits. Ids made one after the
/// other sort so, to the millisecond: an index over them grows at its end, where the page is at hand, instead of everywhere
/// (RFC 9562, 6.11, says the same of UUIDv7).
func orderedID(_ prefix: String) -> String {
    let milliseconds = UInt64(max(0, Timestamp.now().microseconds / 1_000))
    let time = hex((0..<6).reversed().map { UInt8(truncatingIfNeeded: milliseconds >> ($0 * 8)) })
    return prefix + "_" + time + randomDigits(24)
}

/// So many random hexadecimal digits.
private func randomDigits(_ count: Int) -> String {
    unsafe String(unsafeUninitializedCapacity: count) { buffer in
        guard let base = buffer.baseAddress else { return 0 }
        unsafe base.withMemoryRebound(to: CChar.self, capacity: count) { unsafe cplatform_random_hex($0, count) }
        return count
    }
}

/// Lower-case hexadecimal digits of `bytes`.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
