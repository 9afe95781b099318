/// `plugin.sig`: who vouches for the bytes of a lock file. One line: `ed25519 <public key> <signature>`, both in hexadecimal.
struct SignatureFile: Sendable, Hashable {
    /// 64 hexadecimal digits.
    var publicKey: String
    private var signature: [UInt8]

    /// Signs the bytes of a lock file.
    init(signing lock: [UInt8], with key: borrowing SigningKey) throws(BundleError) {
        publicKey = key.publicKey
        signature = try key.sign(lock)
    }

    /// Reads the file, as it stands.
    init(_ text: [UInt8]) throws(BundleError) {
        let words = text.prefix(1_024).split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard words.count == 3, words[0].elementsEqual("ed25519".utf8), let key = bytes(hex: words[1]), key.count == 32,
            let signature = bytes(hex: words[2]), signature.count == 64
        else { throw BundleError(reason: "plugin.sig is malformed; sign the plugin again") }
        publicKey = hex(key)
        self.signature = signature
    }

    var text: [UInt8] { Array("ed25519 \(publicKey) \(hex(signature))\n".utf8) }

    func check(_ lock: [UInt8]) throws(BundleError) {
        guard let key = bytes(hex: Array(publicKey.utf8)[...]),
            isEd25519Signature(signature, of: lock, publicKey: key)
        else {
            throw BundleError(
                reason: "the signature does not fit plugin.lock: one of the two was changed after signing")
        }
    }
}

/// The bytes that hexadecimal digits stand for; nil when there is anything else.
func bytes(hex digits: ArraySlice<UInt8>) -> [UInt8]? {
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
        let value: UInt8
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
        default: return nil
        }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return bytes
}
