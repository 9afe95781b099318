internal import CPlatform

/// `count` bytes from the kernel's generator.
func randomBytes(_ count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        if let base = buffer.baseAddress { unsafe cplatform_random(base, count) }
        initialized = count
    }
}

/// An identifier `<prefix>_<24 hex digits>`: 96 random bits, so that ids never meet.
func randomID(_ prefix: String) -> String { prefix + "_" + hex(randomBytes(12)) }

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
