import Foundation
import Testing

@testable import AgentHost

struct BundleTests {
    private let folder = TemporaryFolder()
    private let manifest = #"{"abi":1,"id":"dev.example.a","name":"a","version":"1","library":"libA.so"}"#

    private func bundle(_ name: String = "A.agentplugin", manifest: String? = nil) throws -> String {
        let path = try folder.makeFolder(name)
        try folder.write("\(name)/plugin.json", Array((manifest ?? self.manifest).utf8))
        try folder.write("\(name)/libA.so", ELFFileTests.library())
        return path
    }

    private func reason(_ path: String) -> String? {
        do {
            _ = try Bundle.read(path)
            return nil
        } catch { return error.reason }
    }

    @Test func aFolderIsReadWithAllItsFiles() throws {
        let path = try bundle()
        _ = try folder.makeFolder("A.agentplugin/assets")
        try folder.write("A.agentplugin/assets/icon.svg", [1, 2, 3])
        let bundle = try Bundle.read(path)
        #expect(bundle.files.map(\.path) == ["assets/icon.svg", "libA.so", "plugin.json"])
        #expect(bundle.library == "libA.so" && bundle.manifest.id == "dev.example.a")
    }

    @Test func aSingleFileCarriesItsManifest() throws {
        try folder.write("libA.so", ELFFileTests.library(manifest: manifest))
        #expect(try Bundle.read("\(folder.path)/libA.so").manifest.id == "dev.example.a")
    }

    @Test func aSingleFileWithoutManifestIsToldHowToAddIt() throws {
        try folder.write("libB.so", ELFFileTests.library())
        #expect(
            reason("\(folder.path)/libB.so")
                == "the library carries no manifest; add it: objcopy --add-section .agent_plugin=plugin.json libB.so")
    }

    @Test func incompleteBundlesAreRefused() throws {
        let path = try bundle()
        try FileManager.default.removeItem(atPath: "\(path)/libA.so")
        #expect(reason(path)?.contains("no file \"libA.so\"") == true)
        try folder.write("A.agentplugin/libA.so", Array("text".utf8))
        #expect(reason(path) == "libA.so: the file is no ELF shared library")
        try FileManager.default.removeItem(atPath: "\(path)/plugin.json")
        #expect(reason(path) == "the bundle has no plugin.json")
        #expect(reason("\(folder.path)/missing") == "it does not exist")
    }

    @Test func symbolicLinksAreRefused() throws {
        let path = try bundle()
        try FileManager.default.createSymbolicLink(atPath: "\(path)/secret", withDestinationPath: "/etc/passwd")
        #expect(reason(path)?.contains("secret is a symbolic link") == true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/B.so", withDestinationPath: "\(path)/libA.so")
        #expect(reason("\(folder.path)/B.so")?.contains("symbolic link") == true)
    }

    // MARK: The private copy

    @Test func theCopyHasAUniqueNameAndIsUsedAgain() throws {
        let bundle = try Bundle.read(try bundle())
        let cache = "\(folder.path)/cache/inner"
        let copy = try PrivateCopy.make(of: bundle, cache: cache)
        #expect(copy.folder == "\(cache)/\(copy.hash)" && copy.hash.count == 64)
        #expect(copy.library == "\(copy.folder)/liba-\(copy.hash.prefix(12)).so")
        #expect(try FileSystem.read(copy.library, limit: 1 << 20) == ELFFileTests.library())
        let made = try FileManager.default.attributesOfItem(atPath: copy.library)
        #expect(try FileManager.default.attributesOfItem(atPath: copy.folder)[.posixPermissions] as? Int == 0o700)
        #expect(try PrivateCopy.make(of: bundle, cache: cache) == copy)
        let again = try FileManager.default.attributesOfItem(atPath: copy.library)
        #expect(made[.systemFileNumber] as? Int == again[.systemFileNumber] as? Int)
    }

    @Test func aDamagedCopyIsReplaced() throws {
        let bundle = try Bundle.read(try bundle())
        let copy = try PrivateCopy.make(of: bundle, cache: "\(folder.path)/cache")
        try FileManager.default.removeItem(atPath: copy.library)
        try Data([0]).write(to: URL(fileURLWithPath: copy.library))
        #expect(try PrivateCopy.make(of: bundle, cache: "\(folder.path)/cache") == copy)
        #expect(try FileSystem.read(copy.library, limit: 1 << 20) == ELFFileTests.library())
    }

    @Test func otherContentsHaveAnotherName() throws {
        let first = try PrivateCopy.make(of: try Bundle.read(try bundle()), cache: "\(folder.path)/cache")
        try folder.write("A.agentplugin/more", [7])
        let second = try PrivateCopy.make(
            of: try Bundle.read("\(folder.path)/A.agentplugin"), cache: "\(folder.path)/cache")
        #expect(first.hash != second.hash && first.library != second.library)
    }

    @Test func hmacIsThatOfRFC4231() {
        #expect(
            hex(hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
