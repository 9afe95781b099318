/// The bytes of a 64-bit little-endian ELF file as far as a signature needs them: sections can be appended and taken off again without
/// moving anything that is mapped. `ELFFile` has checked the file before.
struct ELFImage: Sendable {
    var bytes: [UInt8]

    /// Nil for what has no ELF header.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 64 else { return nil }
        self.bytes = bytes
    }

    /// Where the header says that the section table is.
    var table: ELFFile.SectionTable {
        get {
            ELFFile.SectionTable(offset: number(40, 8), count: UInt16(number(60, 2)), names: UInt16(number(62, 2)))
        }
        set {
            put(newValue.offset, 40, 8)
            put(UInt64(newValue.count), 60, 2)
            put(UInt64(newValue.names), 62, 2)
        }
    }

    /// SHA-256 of the first `size` bytes, as if they had no section table.
    func digest(size: Int) -> String {
        var start = ELFImage(Array(bytes.prefix(64)))
        start?.table = ELFFile.SectionTable(offset: 0, count: 0, names: 0)
        var digest = SHA256Digest()
        digest.update(start?.bytes ?? [])
        if size > 64 { digest.update(Array(bytes[64..<min(size, bytes.count)])) }
        return digest.finish()
    }

    /// Whether everything that the dynamic linker looks at lies within the first `size` bytes.
    func isMappedWithin(_ size: Int) -> Bool {
        let (start, width, count) = (number(32, 8), number(54, 2), number(56, 2))
        guard width == 56, start <= size, start + width * count <= size else { return false }
        return (0..<count).allSatisfy { index in
            let header = Int(start + index * width)
            let (end, overflow) = number(header + 8, 8).addingReportingOverflow(number(header + 32, 8))
            return !overflow && end <= size
        }
    }

    /// The file without the sections that were appended to it since it had this size and table.
    func restored(_ size: Int, _ table: ELFFile.SectionTable) -> ELFImage? {
        guard size >= 64, size <= bytes.count, var image = ELFImage(Array(bytes.prefix(size))) else { return nil }
        image.table = table
        return image
    }

    /// Puts sections behind the end of the file, with a new section table behind them. Nothing else moves.
    func appending(_ added: [(name: String, content: [UInt8])]) throws(BundleError) -> ELFImage {
        let old = table
        let end = old.offset + UInt64(old.count) * 64
        guard old.offset >= 64, old.count > 0, old.names < old.count, end <= bytes.count,
            Int(old.count) + added.count < 0xFF00
        else {
            throw BundleError(
                reason: "the library has no section table to add the signature to; do not strip it so far")
        }
        var headers = Array(bytes[Int(old.offset)..<Int(end)])
        let nameHeader = Int(old.names) * 64
        let namesAt = ELFImage.number(headers, nameHeader + 24, 8)
        let namesSize = ELFImage.number(headers, nameHeader + 32, 8)
        guard namesAt <= bytes.count, namesSize <= UInt64(bytes.count) - namesAt else {
            throw BundleError(reason: "the library is damaged: the names of its sections lie outside the file")
        }
        var names = Array(bytes[Int(namesAt)..<Int(namesAt + namesSize)])
        var image = self
        for section in added {
            var header = [UInt8](repeating: 0, count: 64)
            ELFImage.put(UInt64(names.count), 0, 4, in: &header)
            ELFImage.put(1, 4, 4, in: &header)  // SHT_PROGBITS
            ELFImage.put(UInt64(image.bytes.count), 24, 8, in: &header)
            ELFImage.put(UInt64(section.content.count), 32, 8, in: &header)
            ELFImage.put(1, 48, 8, in: &header)
            headers += header
            names += Array(section.name.utf8) + [0]
            image.bytes += section.content
        }
        ELFImage.put(UInt64(image.bytes.count), nameHeader + 24, 8, in: &headers)
        ELFImage.put(UInt64(names.count), nameHeader + 32, 8, in: &headers)
        image.bytes += names
        image.bytes += [UInt8](repeating: 0, count: (8 - image.bytes.count % 8) % 8)
        image.table = ELFFile.SectionTable(
            offset: UInt64(image.bytes.count), count: old.count + UInt16(added.count), names: old.names)
        image.bytes += headers
        return image
    }

    private func number(_ offset: Int, _ width: Int) -> UInt64 { ELFImage.number(bytes, offset, width) }
    private mutating func put(_ value: UInt64, _ offset: Int, _ width: Int) {
        ELFImage.put(value, offset, width, in: &bytes)
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        (0..<width).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }

    private static func put(_ value: UInt64, _ offset: Int, _ width: Int, in bytes: inout [UInt8]) {
        for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }
}

extension ELFFile {
    /// Where the section table is (`e_shoff`, `e_shnum`, `e_shstrndx`).
    struct SectionTable: Sendable, Hashable {
        var offset: UInt64
        var count: UInt16
        var names: UInt16

        var numbers: [UInt64] { [offset, UInt64(count), UInt64(names)] }

        init(offset: UInt64, count: UInt16, names: UInt16) {
            self.offset = offset
            self.count = count
            self.names = names
        }

        init?(numbers: [Int64]) {
            guard numbers.count == 3, let offset = UInt64(exactly: numbers[0]), let count = UInt16(exactly: numbers[1]),
                let names = UInt16(exactly: numbers[2])
            else { return nil }
            self.init(offset: offset, count: count, names: names)
        }
    }
}
