@testable import AgentHost

/// The manifest reader: what it accepts keeps the promises that the registry relies on.
@c(fuzz_manifest)
public func fuzzManifest(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    check(Input(data, size).bytes)
    return 0
}

/// The reader of ELF files: whatever the offsets say, it answers a part of the file or an error; then the manifest in it.
@c(fuzz_elf)
public func fuzzELF(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Input(data, size).bytes
    do {
        let file = try ELFFile(bytes, machine: 62)
        for name in [".agent_plugin", "", ".text"] {
            guard let section = file.section(name) else { continue }
            require(section.count <= bytes.count, "a section larger than its file")
            if name == ".agent_plugin" { check(Array(section.prefix(Manifest.limit + 1))) }
        }
    } catch {
        require(!error.reason.isEmpty, "a refusal without a reason")
    }
    return 0
}

private func check(_ bytes: [UInt8]) {
    do {
        let manifest = try Manifest(parsing: bytes)
        require(ManifestPattern.pluginID.matches(manifest.id), "an id that is none")
        require(Set(manifest.tools.map(\.name)).count == manifest.tools.count, "two tools of one name")
        require(Set(manifest.agents.map(\.id)).count == manifest.agents.count, "two agents of one id")
        require((0...3_600).contains(manifest.drainSeconds), "a drain time out of range")
        if let library = manifest.library {
            require(!library.isEmpty && !library.utf8.contains(UInt8(ascii: "/")), "a library outside the bundle")
        }
    } catch {
        require(!error.sentence.isEmpty && error.sentence.utf8.count < 4_096, "a refusal of no use")
    }
}
