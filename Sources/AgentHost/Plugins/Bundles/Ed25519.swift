internal import CCrypto

/// A key that signs (RFC 8032), as a file in PEM (PKCS #8): what `openssl genpkey -algorithm ed25519` writes.
@safe struct SigningKey: ~Copyable {
    private let key: OpaquePointer

    /// A new one.
    init() throws(BundleError) {
        let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var made: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1, unsafe EVP_PKEY_keygen(context, &made) == 1,
            let made = unsafe made
        else { throw BundleError(reason: "libcrypto cannot make an Ed25519 key") }
        unsafe key = unsafe made
    }

    /// The one in the text of a file.
    init(pem: [UInt8]) throws(BundleError) {
        let read = unsafe pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let file = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { unsafe BIO_free(file) }
            // No pass phrase is asked for: the callback answers none.
            return unsafe PEM_read_bio_PrivateKey(file, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let read = unsafe read else {
            throw BundleError(
                reason: "the file holds no private key in PEM without a pass phrase; make one with keygen")
        }
        guard unsafe EVP_PKEY_is_a(read, "ED25519") == 1 else {
            unsafe EVP_PKEY_free(read)
            throw BundleError(reason: "the file holds a key, but no Ed25519 key; make one with keygen")
        }
        unsafe key = unsafe read
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// The text of the key's file. It is the secret itself.
    borrowing func pem() -> [UInt8] {
        guard let file = unsafe BIO_new(BIO_s_mem()) else { return [] }
        defer { unsafe BIO_free(file) }
        guard unsafe PEM_write_bio_PrivateKey(file, key, nil, nil, 0, nil, nil) == 1 else { return [] }
        var text = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe text.withUnsafeMutableBytes { unsafe BIO_read(file, $0.baseAddress, Int32($0.count)) }
        return Array(text.prefix(max(0, Int(count))))
    }

    /// The 64 hexadecimal digits that a policy names.
    var publicKey: String {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        unsafe bytes.withUnsafeMutableBufferPointer {
            _ = unsafe EVP_PKEY_get_raw_public_key(key, $0.baseAddress, &count)
        }
        return hex(bytes)
    }

    /// 64 bytes.
    borrowing func sign(_ message: [UInt8]) throws(BundleError) -> [UInt8] {
        let context = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        let key = unsafe self.key
        let isSigned = unsafe signature.withUnsafeMutableBufferPointer { signature in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1
                    && EVP_DigestSign(context, signature.baseAddress, &count, message.baseAddress, message.count) == 1
            }
        }
        guard isSigned, count == 64 else { throw BundleError(reason: "libcrypto cannot sign with this key") }
        return signature
    }
}

/// Whether `signature` was made for `message` with the private half of `publicKey` (32 bytes). False for anything malformed.
func isEd25519Signature(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
    guard signature.count == 64, publicKey.count == 32 else { return false }
    let key = unsafe publicKey.withUnsafeBufferPointer {
        unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, $0.baseAddress, $0.count)
    }
    guard let key = unsafe key else { return false }
    defer { unsafe EVP_PKEY_free(key) }
    let context = unsafe EVP_MD_CTX_new()
    defer { unsafe EVP_MD_CTX_free(context) }
    return unsafe signature.withUnsafeBufferPointer { signature in
        unsafe message.withUnsafeBufferPointer { message in
            unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
                && EVP_DigestVerify(context, signature.baseAddress, signature.count, message.baseAddress, message.count)
                    == 1
        }
    }
}
