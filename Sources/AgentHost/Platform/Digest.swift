internal import CCrypto

/// SHA-256 over bytes that come in pieces (FIPS 180-4).
@safe struct SHA256Digest: ~Copyable {
    private let context: OpaquePointer?

    init() {
        unsafe context = EVP_MD_CTX_new()
        unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { _ = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// The 64 hexadecimal digits; ends the digest.
    consuming func finish() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        unsafe digest.withUnsafeMutableBufferPointer { _ = unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil) }
        return hex(digest)
    }
}

/// SHA-256 of `bytes` as 64 hexadecimal digits.
func sha256(_ bytes: [UInt8]) -> String {
    var digest = SHA256Digest()
    digest.update(bytes)
    return digest.finish()
}

/// HMAC-SHA256 (RFC 2104) of `message` under `key`, 32 bytes.
func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    unsafe code.withUnsafeMutableBufferPointer { code in
        unsafe key.withUnsafeBytes { key in
            unsafe message.withUnsafeBufferPointer { message in
                _ = unsafe HMAC(
                    EVP_sha256(), key.baseAddress, Int32(key.count), message.baseAddress, message.count,
                    code.baseAddress,
                    &length)
            }
        }
    }
    return code
}
