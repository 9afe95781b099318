import Foundation
import Testing

@testable import AgentHost

/// Locks, signatures, policies: what may be loaded.
struct TrustTests {
    private let folder = TemporaryFolder()
    private static let manifest = #"{"abi":1,"id":"dev.example.a","name":"a","version":"1.2.0","library":"libA.so"}"#

    private func bundle() throws -> String {
        let path = try folder.makeFolder("A.agentplugin")
        try folder.write("A.agentplugin/plugin.json", Array(Self.manifest.utf8))
        try folder.write("A.agentplugin/libA.so", ELFFileTests.library())
        _ = try folder.makeFolder("A.agentplugin/assets")
        try folder.write("A.agentplugin/assets/icon.svg", [1, 2, 3])
        return path
    }

    private func key(_ name: String = "key.pem") throws -> (file: String, publicKey: String) {
        let path = "\(folder.path)/\(name)"
        return (path, try PluginSigning.makeKey(at: path))
    }

    /// Why the plugin is refused; nil when it is not.
    private func refusal(_ path: String, _ rules: PluginTrust.Rules = .init()) -> String? {
        do {
            _ = try PluginTrust.verify(try Bundle.read(path), rules)
            return nil
        } catch { return error.reason }
    }

    private func policy(_ text: String) throws -> String {
        try folder.write("policy.json", Array(text.utf8))
        return "\(folder.path)/policy.json"
    }

    // MARK: Keys

    /// RFC 8032, 7.1, test 2.
    @Test func signaturesAreThoseOfRFC8032() throws {
        func raw(_ digits: String) throws -> [UInt8] { try #require(bytes(hex: Array(digits.utf8)[...])) }
        let key = try raw("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        var signature = try raw(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(isEd25519Signature(signature, of: [0x72], publicKey: key))
        #expect(!isEd25519Signature(signature, of: [0x73], publicKey: key))
        #expect(!isEd25519Signature(Array(signature.dropLast()), of: [0x72], publicKey: key))
        #expect(!isEd25519Signature(signature, of: [0x72], publicKey: []))
        signature[0] ^= 1
        #expect(!isEd25519Signature(signature, of: [0x72], publicKey: key))
    }

    @Test func aKeyIsForItsOwnerAloneAndNeverOverwritten() throws {
        let (file, publicKey) = try key()
        #expect(publicKey.count == 64)
        #expect(try FileSystem.facts(of: file).mode == 0o600)
        let before = try FileSystem.read(file, limit: 1 << 16)
        #expect(throws: PluginSigning.Failure.self) { try PluginSigning.makeKey(at: file) }
        #expect(try FileSystem.read(file, limit: 1 << 16) == before)
        #expect(try SigningKey(pem: before).publicKey == publicKey)
    }

    @Test func whatIsNoKeyIsSaidSo() throws {
        try folder.write("no.pem", Array("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".utf8))
        let path = try bundle()
        for file in ["no.pem", "missing.pem"] {
            #expect(throws: PluginSigning.Failure.self) {
                try PluginSigning.sign(path, keyFile: "\(folder.path)/\(file)")
            }
        }
        #expect(FileSystem.kind(at: "\(path)/plugin.lock") == nil)
    }

    // MARK: Folders

    @Test func aSignedFolderIsKnownByItsKey() throws {
        let (file, publicKey) = try key()
        let path = try bundle()
        #expect(try PluginSigning.inspect(path).signer == nil)
        let report = try PluginSigning.sign(path, keyFile: file)
        #expect(report.signer == publicKey && report.id == "dev.example.a" && report.version == "1.2.0")
        #expect(try PluginSigning.inspect(path) == report)
        let other = try key("other.pem")
        #expect(try PluginSigning.sign(path, keyFile: other.file).signer == other.publicKey)
    }

    @Test func everyChangeOfASignedFolderIsRefused() throws {
        let path = try bundle()
        _ = try PluginSigning.sign(path, keyFile: try key().file)
        func changed(_ file: String, _ bytes: [UInt8]?, _ sentence: String) throws {
            let before = try? FileSystem.read("\(path)/\(file)", limit: 1 << 20)
            FileSystem.removeAll("\(path)/\(file)")
            if let bytes { try folder.write("A.agentplugin/\(file)", bytes) }
            #expect(refusal(path)?.contains(sentence) == true, "\(file): \(refusal(path) ?? "taken")")
            FileSystem.removeAll("\(path)/\(file)")
            if let before { try folder.write("A.agentplugin/\(file)", before) }
            #expect(refusal(path) == nil)
        }
        try changed("libA.so", ELFFileTests.library() + [0], "libA.so was changed")
        try changed("assets/icon.svg", nil, "assets/icon.svg is in plugin.lock, but missing")
        try changed("assets/more.svg", [1], "assets/more.svg is not in plugin.lock")
        try changed(
            "plugin.json", Array(Self.manifest.replacing("1.2.0", with: "1.3.0").utf8),
            "plugin.lock is of dev.example.a 1.2.0")
        try changed("plugin.json", Array((Self.manifest + " ").utf8), "plugin.json was changed")
        try changed("plugin.lock", nil, "no plugin.lock")
        try changed("plugin.lock", Array("{}".utf8), "does not fit")
        try changed("plugin.sig", Array("ed25519 00 00\n".utf8), "plugin.sig is malformed")
        let lock = String(decoding: try FileSystem.read("\(path)/plugin.lock", limit: 1 << 20), as: UTF8.self)
        try changed("plugin.lock", Array(lock.replacing("icon", with: "icoN").utf8), "does not fit")
    }

    /// The lock alone finds accidents; nobody vouches for it.
    @Test func aLockWithoutASignatureIsChecked() throws {
        let path = try bundle()
        _ = try PluginSigning.sign(path, keyFile: try key().file)
        FileSystem.removeAll("\(path)/plugin.sig")
        #expect(try PluginSigning.inspect(path).signer == nil)
        try folder.write("A.agentplugin/assets/icon.svg", [1])
        #expect(refusal(path)?.contains("was changed after locking") == true)
    }

    // MARK: Single files

    @Test func aSignedSingleFileIsKnownByItsKey() throws {
        let (file, publicKey) = try key()
        let library = ELFFileTests.library(manifest: Self.manifest)
        try folder.write("A.so", library)
        let path = "\(folder.path)/A.so"
        let report = try PluginSigning.sign(path, keyFile: file)
        #expect(report.signer == publicKey)
        let signed = try FileSystem.read(path, limit: 1 << 20)
        // What is mapped has not moved: all but the place of the section table is as it was.
        #expect(Array(signed[64..<library.count]) == Array(library[64...]))
        #expect(try ELFFile(signed).section(".agent_plugin").map(Array.init) == Array(Self.manifest.utf8))
        // Signed again, it does not grow, and the other key is the signer.
        let other = try key("other.pem")
        #expect(try PluginSigning.sign(path, keyFile: other.file).signer == other.publicKey)
        #expect(try FileSystem.read(path, limit: 1 << 20).count == signed.count)
    }

    /// No byte of what was signed can be changed, and none of the signature.
    @Test func everyChangedByteOfASignedSingleFileIsRefused() throws {
        let library = ELFFileTests.library(manifest: Self.manifest)
        try folder.write("A.so", library)
        let path = "\(folder.path)/A.so"
        _ = try PluginSigning.sign(path, keyFile: try key().file)
        let signed = try FileSystem.read(path, limit: 1 << 20)
        for index in signed.indices {
            var bytes = signed
            bytes[index] ^= 0x01
            try folder.write("A.so", bytes)
            let verdict = try? PluginTrust.verify(try Bundle.read(path), .init())
            // The section table is not mapped and not signed. What it leads to must still be what was signed, or there is no signature.
            guard let verdict, let signer = verdict.signer else { continue }
            let isOutside = index >= library.count || (40..<48).contains(index) || (60..<64).contains(index)
            #expect(isOutside, "byte \(index) of \(library.count) was changed, and \(signer) still vouches")
            #expect(try Bundle.read(path).manifestText == Array(Self.manifest.utf8))
        }
    }

    /// A segment that leads behind the signed part would be mapped unsigned.
    @Test func segmentsBehindTheSignedPartAreRefused() throws {
        var library = ELFFileTests.library(manifest: Self.manifest)
        let end = UInt64(library.count) + 64
        for index in 0..<8 { library[64 + 32 + index] = UInt8(truncatingIfNeeded: end >> (8 * UInt64(index))) }
        #expect(ELFImage(library)?.isMappedWithin(library.count) == false)
        #expect(ELFImage(library)?.isMappedWithin(library.count + 64) == true)
    }

    // MARK: The policy

    @Test func withoutAPolicyWhatIsIntactIsLoaded() throws {
        let verdict = try PluginTrust.verify(try Bundle.read(try bundle()), .init())
        #expect(verdict.signer == nil && !verdict.needsWorker && verdict.warning == nil)
    }

    @Test func aPolicyRefusesEverythingElse() throws {
        let (file, publicKey) = try key()
        let path = try bundle()
        let unsigned = try PluginSigning.inspect(path).sha256
        func refused(_ entry: String, _ sentence: String?) throws {
            let rules = PluginTrust.Rules(policy: try policy(#"{"allow":[\#(entry)]}"#))
            if let sentence {
                #expect(refusal(path, rules)?.contains(sentence) == true, "\(refusal(path, rules) ?? "taken")")
            } else {
                #expect(refusal(path, rules) == nil)
            }
        }
        let zeros = String(repeating: "0", count: 64)
        try refused("", "does not allow the id")
        try refused(#"{"id":"dev.example.b","key":"\#(publicKey)"}"#, "does not allow the id")
        try refused(#"{"id":"dev.example.a","key":"\#(publicKey)"}"#, "it is not signed")
        try refused(#"{"id":"dev.example.a","sha256":"\#(zeros)"}"#, "it is not signed")
        try refused(#"{"id":"dev.example.a","sha256":"\#(unsigned)"}"#, nil)
        let signed = try PluginSigning.sign(path, keyFile: file).sha256
        try refused(#"{"id":"dev.example.a","sha256":"\#(unsigned)"}"#, "neither its signer")
        try refused(#"{"id":"dev.example.a","key":"\#(publicKey)"}"#, nil)
        try refused(#"{"id":"dev.example.*","key":"\#(publicKey)"}"#, nil)
        try refused(#"{"id":"dev.*","versions":">=1.2 <2","key":"\#(publicKey)","sha256":"\#(signed)"}"#, nil)
        try refused(#"{"id":"dev.example.a","key":"\#(publicKey)","sha256":"\#(zeros)"}"#, "neither its signer")
        try refused(#"{"id":"dev.example.a","key":"\#(zeros)"}"#, "neither its signer")
        try refused(#"{"id":"dev.example.a","versions":"<1.2","key":"\#(publicKey)"}"#, "does not allow version 1.2.0")
        try refused(
            #"{"id":"dev.example.a","versions":"<1.2","key":"\#(publicKey)"},{"id":"dev.*","key":"\#(publicKey)"}"#, nil
        )
    }

    @Test func unsignedPluginsMayBeAllowedLoudlyAndInAWorker() throws {
        let path = try bundle()
        let rules = PluginTrust.Rules(policy: try policy(#"{"allow":[]}"#), allowsUnsigned: true)
        let (bundle, warning) = try PluginTrust.admit(try Bundle.read(path), rules)
        #expect(bundle.needsWorker)
        #expect(warning?.contains("--allow-unsigned") == true)
        let configuration = PluginHostConfiguration(folders: [], cacheFolder: "", workerPath: "", trusted: .all)
        #expect(configuration.mode(of: bundle) == .worker)
        #expect(configuration.mode(of: try Bundle.read(path)) == .inProcess)
        // But never what was changed after it was signed.
        _ = try PluginSigning.sign(path, keyFile: try key().file)
        try folder.write("A.agentplugin/assets/icon.svg", [9])
        #expect(refusal(path, rules)?.contains("was changed after locking") == true)
    }

    static let badPolicies: [(text: String, sentence: String)] = [
        ("", "it is not JSON"), ("[]", "a list \"allow\""), (#"{"allow":{}}"#, "a list \"allow\""),
        (#"{"allow":[],"deny":[]}"#, "\"deny\" is unknown"), (#"{"allow":["a"]}"#, "allow[0]: it must be an object"),
        (#"{"allow":[{"id":"a.b"}]}"#, "anybody could be a.b"), (#"{"allow":[{"key":"00"}]}"#, "id is missing"),
        (#"{"allow":[{"id":"a.b","key":"00"}]}"#, "key must be 64"),
        (#"{"allow":[{"id":"a.b","version":"1","key":"00"}]}"#, "\"version\" is unknown"),
        (#"{"allow":[{"id":"a.b","versions":"newest","key":"00"}]}"#, "versions must look like"),
        (#"{"allow":[{"id":"a.b","key":7}]}"#, "key must be text"),
    ]

    @Test(arguments: badPolicies.indices) func aPolicyThatCannotBeMeantIsRefused(_ index: Int) throws {
        let (text, sentence) = Self.badPolicies[index]
        let rules = PluginTrust.Rules(policy: try policy(text), allowsUnsigned: true)
        let reason = refusal(try bundle(), rules)
        #expect(reason?.contains(sentence) == true, "\(reason ?? "taken")")
        #expect(refusal("\(folder.path)/A.agentplugin", .init(policy: "/nowhere"))?.contains("cannot be read") == true)
    }

    // MARK: Versions

    @Test func versionsAreOrderedAsSemverSays() throws {
        let ordered = [
            "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1", "1.0.1", "1.2", "1.10", "2",
        ]
        for (index, text) in ordered.enumerated() {
            for (other, rival) in ordered.enumerated() {
                #expect(try (#require(Version(text)) < #require(Version(rival))) == (index < other), "\(text) \(rival)")
            }
        }
        #expect(Version("1.0") == Version("1.0.0+build.7"))
        for text in ["", "1.2.3.4", "a", "1..2", "-1", "1.x", "12345678901"] {
            #expect(Version(text) == nil, "\(text)")
        }
    }

    @Test func rangesHold() {
        for (range, version, holds) in [
            (">=1.2 <2", "1.2.0", true), (">=1.2 <2", "1.10", true), (">=1.2 <2", "2.0.0", false),
            (">=1.2 <2", "1.1.9", false),
            ("1.4.0", "1.4", true), ("1.4.0", "1.4.1", false), ("=1.4.0", "1.4", true), (">1 <=1.5", "1", false),
            (">1 <=1.5", "1.5.0", true), (">=2", "2.0.0-beta", false),
        ] { #expect(VersionRange(range)?.contains(version) == holds, "\(range) \(version)") }
        for text in ["", " ", ">=", "^1", ">=1.x", "1 - 2"] { #expect(VersionRange(text) == nil, "\(text)") }
    }
}
