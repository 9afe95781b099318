/// A reader of ELF64 files that trusts nothing: every offset is checked against the bytes (elf(5)).
struct ELFFile: Sendable {
    /// What the host's own machine is called in `e_machine`.
    static var hostMachine: UInt16 {
        #if arch(x86_64)
            62
        #elseif arch(arm64)
            183
        #else
            0
        #endif
    }

    private let bytes: [UInt8]
    private let sections: [Section]

    private struct Section {
        var name: UInt32
        var type: UInt32
        var offset: UInt64
        var size: UInt64
    }

    /// Checks that `bytes` are a shared library for this host and reads the table of its sections.
    init(_ bytes: [UInt8], machine: UInt16 = ELFFile.hostMachine) throws(BundleError) {
        guard !bytes.isEmpty else { throw BundleError(reason: "the file is empty") }
        let data = LittleEndian(bytes)
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            throw BundleError(reason: "the file is no ELF shared library")
        }
        guard bytes.count >= 64 else { throw ELFFile.truncated("its header is incomplete") }
        guard bytes[4] == 2 else { throw BundleError(reason: "the library is not for 64-bit machines") }
        guard bytes[5] == 1 else { throw BundleError(reason: "the library is not for little-endian machines") }
        let type = data.u16(16) ?? 0
        let built = data.u16(18) ?? 0
        guard built == machine else {
            throw BundleError(
                reason: "the library is for \(ELFFile.machineName(built)), this host is \(ELFFile.machineName(machine))"
            )
        }
        guard type == 3 else {
            throw BundleError(reason: "the file is ELF but no shared library; link it with -shared")
        }
        try ELFFile.checkSegments(data)
        sections = try ELFFile.readSections(data)
        self.bytes = bytes
    }

    /// The content of the section called `name`, or nil when there is none.
    func section(_ name: String) -> ArraySlice<UInt8>? {
        let data = LittleEndian(bytes)
        guard let names = data.u16(62).map(Int.init), names < sections.count else { return nil }
        let table = sections[names]
        let wanted = Array(name.utf8) + [0]
        let found = sections.first { section in
            guard section.type != ELFFile.noBits, UInt64(section.name) < table.size else { return false }
            let start = Int(table.offset) + Int(section.name)
            let end = Int(table.offset + table.size)
            return end - start >= wanted.count && bytes[start..<start + wanted.count].elementsEqual(wanted)
        }
        return found.map { bytes[Int($0.offset)..<Int($0.offset + $0.size)] }
    }

    private static let noBits: UInt32 = 8

    /// Everything the dynamic linker would map must lie within the file: mapping beyond it ends in SIGBUS.
    private static func checkSegments(_ data: LittleEndian) throws(BundleError) {
        let offset = data.u64(32) ?? 0
        let size = UInt64(data.u16(54) ?? 0)
        let count = UInt64(data.u16(56) ?? 0)
        guard count > 0, size == 56, data.holds(offset, count * size) else {
            throw truncated("its program headers lie outside the file")
        }
        for index in 0..<count {
            let header = Int(offset + index * size)
            guard let start = data.u64(header + 8), let length = data.u64(header + 32), data.holds(start, length) else {
                throw truncated("segment \(index) lies outside the file")
            }
        }
    }

    private static func readSections(_ data: LittleEndian) throws(BundleError) -> [Section] {
        let offset = data.u64(40) ?? 0
        let size = UInt64(data.u16(58) ?? 0)
        let count = UInt64(data.u16(60) ?? 0)
        guard offset != 0, count > 0 else { return [] }
        guard size == 64, data.holds(offset, count * size) else {
            throw truncated("its section headers lie outside the file")
        }
        var sections: [Section] = []
        for index in 0..<count {
            let header = Int(offset + index * size)
            var section = Section(
                name: data.u32(header) ?? 0, type: data.u32(header + 4) ?? 0, offset: data.u64(header + 24) ?? 0,
                size: data.u64(header + 32) ?? 0)
            // It takes no bytes of the file, whatever it says; nobody may look where it points.
            if section.type == noBits { (section.offset, section.size) = (0, 0) }
            guard data.holds(section.offset, section.size) else {
                throw truncated("section \(index) lies outside the file")
            }
            sections.append(section)
        }
        return sections
    }

    private static func truncated(_ what: String) -> BundleError {
        BundleError(reason: "the library is truncated or damaged: \(what)")
    }

    private static func machineName(_ machine: UInt16) -> String {
        switch machine {
        case 3: "x86 (32 bit)"
        case 40: "ARM (32 bit)"
        case 62: "x86_64"
        case 183: "aarch64"
        case 243: "RISC-V"
        default: "machine \(machine)"
        }
    }
}

/// Bounds-checked little-endian numbers.
private struct LittleEndian {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether `offset ..< offset + length` lies within the bytes.
    func holds(_ offset: UInt64, _ length: UInt64) -> Bool {
        let (end, overflow) = offset.addingReportingOverflow(length)
        return !overflow && end <= UInt64(bytes.count)
    }

    private func number(_ offset: Int, _ width: Int) -> UInt64? {
        guard offset >= 0, offset <= bytes.count - width else { return nil }
        return (0..<width).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }
    func u16(_ offset: Int) -> UInt16? { number(offset, 2).map { UInt16($0) } }
    func u32(_ offset: Int) -> UInt32? { number(offset, 4).map { UInt32($0) } }
    func u64(_ offset: Int) -> UInt64? { number(offset, 8) }
}
