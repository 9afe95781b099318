extension SettingSources {
    /// The largest secret: one that is longer does not fit into a field of a request.
    static let secretLimit = 4_096

    /// A secret, given as a value or as a file that holds it (containers, systemd credentials). The file is read now; it may be a link.
    ///
    /// - Returns: nil when neither is set.
    /// - Throws: when both are set, the file cannot be read, or the secret is not 1 to 4096 visible ASCII characters. The sentence
    ///   never holds the secret.
    func secret(_ setting: Setting, file: Setting) throws(ConfigurationError) -> String? {
        let (given, path) = (value(setting), value(file))
        if given.isEmpty, path.isEmpty { return nil }
        guard given.isEmpty || path.isEmpty else {
            throw error(setting, "and \(origin(file)) are both set; set one of them")
        }
        let text = given.isEmpty ? try secret(in: path, file) : given
        guard (1...SettingSources.secretLimit).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw error(
                given.isEmpty ? file : setting,
                "must \(given.isEmpty ? "hold" : "be") 1 to \(SettingSources.secretLimit) visible ASCII characters without "
                    + "spaces, on one line")
        }
        return text
    }

    /// Without the line break that editors put at the end.
    private func secret(in path: String, _ file: Setting) throws(ConfigurationError) -> String {
        do {
            var bytes = try readFile(path, limit: SettingSources.secretLimit + 2)
            for end in [UInt8(ascii: "\n"), UInt8(ascii: "\r")] where bytes.last == end { bytes.removeLast() }
            return String(decoding: bytes, as: UTF8.self)
        } catch let failure {
            throw error(file, "names \(path), which cannot be read: \(failure.reason)")
        }
    }
}
