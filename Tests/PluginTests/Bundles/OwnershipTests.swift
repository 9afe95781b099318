import Foundation
import Synchronization
import Testing

@testable import AgentHost

/// What others could change is refused, and what is loaded is what was checked.
struct OwnershipTests {
    private let folder = TemporaryFolder()

    private func bundle() throws -> String {
        _ = try folder.makeFolder("plugins/A.agentplugin/assets")
        let manifest = #"{"abi":1,"id":"dev.example.a","name":"a","version":"1.0.0","library":"libA.so"}"#
        try folder.write("plugins/A.agentplugin/plugin.json", Array(manifest.utf8))
        try folder.write("plugins/A.agentplugin/libA.so", ELFFileTests.library())
        try folder.write("plugins/A.agentplugin/assets/icon", [1])
        let path = "\(folder.path)/plugins/A.agentplugin"
        for name in ["", "/A.agentplugin", "/A.agentplugin/assets"] { chmod("\(folder.path)/plugins\(name)", 0o755) }
        for name in ["plugin.json", "libA.so", "assets/icon"] { chmod("\(path)/\(name)", 0o644) }
        return path
    }

    private func refusal(_ path: String) -> String? {
        do {
            _ = try Bundle.read(path)
            return nil
        } catch { return error.reason }
    }

    static let places = ["", "/plugin.json", "/libA.so", "/assets", "/assets/icon", "/.."]

    @Test(arguments: places, [0o775, 0o757, 0o777] as [mode_t])
    func whatOthersMayWriteToIsRefused(_ place: String, _ mode: mode_t) throws {
        let path = try bundle()
        #expect(refusal(path) == nil)
        chmod(path + place, mode)
        #expect(
            refusal(path)?.contains("can be written by others than its owner (mode 0\(String(mode, radix: 8)))") == true
        )
    }

    /// In /tmp everybody may add something, and nobody may touch what is another's.
    @Test func aStickyFolderIsFine() throws {
        let path = try bundle()
        chmod("\(folder.path)/plugins", 0o1777)
        #expect(refusal(path) == nil)
        chmod("\(path)/assets", 0o1777)
        #expect(refusal(path)?.contains("assets can be written") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"), arguments: places)
    func whatBelongsToAnotherUserIsRefused(_ place: String) throws {
        let path = try bundle()
        #expect(lchown(path + place, 4_711, gid_t.max) == 0)
        #expect(refusal(path)?.contains("belongs to user 4711") == true)
    }

    @Test func theSingleFileIsJudgedToo() throws {
        let manifest = #"{"abi":1,"id":"dev.example.a","name":"a","version":"1.0.0"}"#
        try folder.write("A.so", ELFFileTests.library(manifest: manifest))
        chmod(folder.path, 0o755)
        chmod("\(folder.path)/A.so", 0o644)
        #expect(refusal("\(folder.path)/A.so") == nil)
        chmod("\(folder.path)/A.so", 0o664)
        #expect(refusal("\(folder.path)/A.so")?.contains("A.so can be written by others") == true)
    }

    @Test func theCacheMustBeOurs() throws {
        let bundle = try Bundle.read(try bundle())
        let cache = try folder.makeFolder("cache")
        chmod(cache, 0o777)
        #expect {
            try PrivateCopy.make(of: bundle, cache: cache)
        } throws: { ($0 as? BundleError)?.reason.contains("the cache folder") == true }
        chmod(cache, 0o700)
        #expect(throws: Never.self) { try PrivateCopy.make(of: bundle, cache: cache) }
    }

    /// Somebody exchanges the library, and a folder by a link, again and again while the bundle is read, checked and copied. Whatever is
    /// taken is what was signed, and the copy that would be mapped holds those bytes.
    @Test func whatIsSwappedBetweenCheckAndLoadIsNeverLoaded() throws {
        let path = try bundle()
        let key = "\(folder.path)/key.pem"
        let publicKey = try PluginSigning.makeKey(at: key)
        _ = try PluginSigning.sign(path, keyFile: key)
        let good = try FileSystem.read("\(path)/libA.so", limit: 1 << 20)
        let evil = good + [0xBA, 0xD0]
        _ = try folder.makeFolder("outside")
        try folder.write("outside/icon", [1])
        let isOver = Atomic(false)
        let base = folder.path
        let swapper = Thread {
            for round in 0... {
                if isOver.load(ordering: .relaxed) { break }
                try? Data(round.isMultiple(of: 2) ? evil : good).write(to: URL(fileURLWithPath: "\(base)/next"))
                rename("\(base)/next", "\(path)/libA.so")
                rename("\(path)/assets", "\(base)/aside")
                symlink("\(base)/outside", "\(path)/assets")
                sched_yield()
                unlink("\(path)/assets")
                rename("\(base)/aside", "\(path)/assets")
            }
        }
        swapper.start()
        let policy = "\(folder.path)/policy.json"
        try folder.write("policy.json", Array(#"{"allow":[{"id":"dev.example.a","key":"\#(publicKey)"}]}"#.utf8))
        var taken = 0
        var refused = 0
        let cache = "\(folder.path)/cache"
        while taken < 20 || refused < 20, taken + refused < 20_000 {
            do {
                let (bundle, _) = try PluginTrust.admit(try Bundle.read(path), .init(policy: policy))
                taken += 1
                let copy = try PrivateCopy.make(of: bundle, cache: cache)
                #expect(try FileSystem.read(copy.library, limit: 1 << 20) == good)
                #expect(try FileSystem.read("\(copy.folder)/assets/icon", limit: 10) == [1])
            } catch { refused += 1 }
        }
        isOver.store(true, ordering: .relaxed)
        #expect(taken >= 1 && refused >= 1, "\(taken) taken, \(refused) refused: nothing was raced")
    }
}
