/// Whether a plugin may be loaded, and how.
enum PluginTrust {
    /// What is known of a bundle that may be loaded.
    struct Verdict: Sendable, Hashable {
        /// The public key that vouches for it; nil when nobody does.
        var signer: String?
        /// The bundle's SHA-256, over the author's files.
        var sha256: String
        /// It must not run in the host's process, whatever `AGENTHOST_TRUSTED` says.
        var needsWorker: Bool = false
        /// To be logged, loudly.
        var warning: String?
    }

    /// How strictly to look.
    struct Rules: Sendable, Hashable {
        /// Path of the policy; nil: there is none, and everything that is intact may be loaded.
        var policy: String?
        /// What the policy does not allow is loaded nevertheless, in a worker. For development.
        var allowsUnsigned = false
    }

    /// Judges a bundle by its bytes, which are those that will be mapped. The policy is read anew each time, so that taking a key out of
    /// it holds at once. Blocks.
    static func verify(_ bundle: Bundle, _ rules: Rules) throws(BundleError) -> Verdict {
        var verdict = Verdict(sha256: PrivateCopy.digest(bundle.ownFiles))
        // A signature that does not fit is refused whatever the policy: somebody has changed the plugin.
        verdict.signer = try signer(of: bundle)
        guard let path = rules.policy else { return verdict }
        let policy = try PluginPolicy.read(path)
        do {
            try policy.check(
                id: bundle.manifest.id, version: bundle.manifest.version, signer: verdict.signer, sha256: verdict.sha256
            )
        } catch {
            guard rules.allowsUnsigned else { throw error }
            verdict.needsWorker = true
            verdict.warning =
                "\(bundle.fileName): \(error.reason). It is loaded all the same, in a worker, because of --allow-unsigned; "
                + "do not use that in production."
        }
        return verdict
    }

    /// The bundle as it may be loaded, and what is to be logged about that, loudly.
    static func admit(_ bundle: Bundle, _ rules: Rules) throws(BundleError) -> (bundle: Bundle, warning: String?) {
        let verdict = try verify(bundle, rules)
        var bundle = bundle
        // A wrong signature of a C function would take the host down.
        bundle.needsWorker = verdict.needsWorker || bundle.manifest.callsFunctions
        return (bundle, verdict.warning)
    }

    /// The key that has signed the bundle as it is; nil when it is not signed.
    static func signer(of bundle: Bundle) throws(BundleError) -> String? {
        switch (bundle.lock, bundle.signature) {
        case (nil, nil): return nil
        case (nil, _): throw BundleError(reason: "it has a signature but no plugin.lock; sign it again")
        case (let lock?, nil):
            try LockFile(parsing: lock).check(bundle)
            return nil
        case (let lock?, let text?):
            let signature = try SignatureFile(text)
            try signature.check(lock)
            try LockFile(parsing: lock).check(bundle)
            return signature.publicKey
        }
    }
}
