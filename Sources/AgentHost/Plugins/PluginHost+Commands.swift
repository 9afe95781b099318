// What operators tell the host about its plugins while it runs.

/// Why a command was not carried out.
struct PluginCommandError: Error, Hashable {
    enum Code: String, Sendable, CaseIterable {
        case unknownPlugin = "unknown_plugin"
        /// The bundle cannot be loaded; what served goes on.
        case pluginRefused = "plugin_refused"
        /// There is nothing to promote, return to, …
        case pluginConflict = "plugin_conflict"
        case invalidRequest = "invalid_request"
    }
    var code: Code
    var sentence: String
}

extension PluginHost {
    /// Loads a bundle that lies in the first plugin folder under a name that begins with a dot, and puts it in its place there.
    ///
    /// - Parameters:
    ///   - staged: its name, which begins with a dot.
    ///   - name: the name it gets; what has it is replaced.
    ///   - percent: share of the threads it is tried out on; nil to serve.
    /// - Returns: id of the plugin.
    func install(staged: String, as name: String, percent: Int?) async throws(PluginCommandError) -> String {
        guard PluginHost.isPluginName(name), staged.hasPrefix("."), !staged.contains("/"), staged.count > 2,
            staged != "..", let folder = configuration.folders.first
        else {
            throw PluginCommandError(
                code: .invalidRequest,
                sentence:
                    "name must be a file name that ends in .agentplugin or .so, staged one that begins with a dot.")
        }
        let (source, target) = ("\(folder)/\(staged)", "\(folder)/\(name)")
        claimed.insert(target)
        defer { claimed.remove(target) }
        do throws(BundleError) {
            var bundle = try await loader.read(source)
            bundle.path = target
            let (id, content) = (bundle.manifest.id, bundle)
            try await exclusively(id) { () async throws(BundleError) in
                try await install(content, staged: source, at: target, percent: percent)
            }
            return id
        } catch {
            await blocking.run { FileSystem.removeAll(source) }
            throw PluginCommandError(code: .pluginRefused, sentence: "\(name): \(error.reason)")
        }
    }

    private func install(
        _ bundle: Bundle, staged: String, at target: String, percent: Int?
    ) async throws(BundleError) {
        let id = bundle.manifest.id
        let hash = await blocking.run { PrivateCopy.digest(bundle.files) }
        if let other = slots[id]?.path, other != target, await blocking.run({ FileSystem.kind(at: other) }) != nil {
            throw BundleError(
                reason:
                    "plugin id \"\(id)\" is already taken by \(Bundle.lastComponent(other)); install it under that name"
            )
        }
        if slots[id] == nil { slots[id] = Slot(deployment: await deployment(of: id), path: target) }
        slots[id]?.path = target
        try await install(bundle, hash, percent: percent)
        do {
            try await blocking.run { () throws(FileError) in try PluginHost.move(staged, to: target) }
        } catch {
            throw BundleError(
                reason: "it serves, but could not be put into the plugin folder (\(error.sentence)): "
                    + "after a restart the old one would")
        }
        found[target] = FoundFile(signature: await blocking.run { FileSystem.signature(of: target) }, id: id)
    }

    private static func move(_ source: String, to target: String) throws(FileError) {
        if FileSystem.kind(at: target) == nil { return try FileSystem.rename(source, to: target) }
        try FileSystem.exchange(source, target)
        FileSystem.removeAll(source)
    }

    /// Loads what lies in the plugin folder anew: also what was taken back or disabled, and content that serves already.
    func reload(_ id: String) async throws(PluginCommandError) {
        let path = try path(of: id)
        found[path] = FoundFile(signature: await blocking.run { FileSystem.signature(of: path) }, id: id)
        do throws(BundleError) {
            let bundle = try await loader.read(path)
            guard bundle.manifest.id == id else {
                throw BundleError(reason: "it holds plugin \"\(bundle.manifest.id)\" now")
            }
            try await exclusively(id) { () async throws(BundleError) in
                if slots[id] == nil { slots[id] = Slot(deployment: await deployment(of: id), path: path) }
                let hash = await blocking.run { PrivateCopy.digest(bundle.files) }
                try await install(bundle, hash, percent: nil)
            }
        } catch {
            found[path]?.refusal = error.reason
            throw PluginCommandError(
                code: .pluginRefused, sentence: "\(Bundle.lastComponent(path)): \(error.reason)")
        }
    }

    /// Where the plugin's file lies; also one that was refused.
    private func path(of id: String) throws(PluginCommandError) -> String {
        if let path = slots[id]?.path { return path }
        if let path = found.first(where: { $0.value.id == id })?.key { return path }
        throw unknown(id)
    }

    private func unknown(_ id: String) -> PluginCommandError {
        let known = Set(slots.keys).union(found.values.compactMap(\.id)).sorted().joined(separator: ", ")
        return PluginCommandError(
            code: .unknownPlugin,
            sentence: "There is no plugin \"\(id.prefix(128))\". There are: \(known.isEmpty ? "none" : known).")
    }

    /// Takes a plugin out of service until it is enabled, also over restarts.
    func disable(_ id: String) async throws(PluginCommandError) {
        try await command(id) { deployment, now in
            deployment.withdraw(disabling: true, "disabled by the operator", now: now.wall)
        }
    }

    /// Takes it into service again: what lies in the plugin folder, unless that was taken back; then what served before.
    func enable(_ id: String) async throws(PluginCommandError) {
        guard let path = slots[id]?.path else { throw unknown(id) }
        change(id) { $0.enable() }
        guard slots[id]?.deployment.serving == nil else { return }
        _ = await deploy(path)
        await exclusively(id) {
            guard let deployment = slots[id]?.deployment, deployment.serving == nil else { return }
            if let last = deployment.servedLast.flatMap(deployment.record) { await bringBack(last, of: id) }
        }
        guard slots[id]?.deployment.serving == nil else { return }
        throw PluginCommandError(
            code: .pluginRefused,
            sentence:
                "\(Bundle.lastComponent(path)): \(found[path]?.refusal ?? "it could not be loaded; the log says why")")
    }

    /// Back to generation `number`, or to the one that served before; a canary is taken back.
    func rollBack(_ id: String, to number: Int?) async throws(PluginCommandError) {
        try await command(id) { deployment, now throws(Deployment.Refusal) in
            try deployment.rollBack(to: number, now: now)
        }
    }

    func promote(_ id: String) async throws(PluginCommandError) {
        try await command(id) { deployment, now throws(Deployment.Refusal) in try deployment.promote(now: now) }
    }

    /// Changes the canary's share of the threads.
    func setPercent(_ percent: Int, of id: String) async throws(PluginCommandError) {
        try await command(id) { deployment, _ throws(Deployment.Refusal) in try deployment.setPercent(percent) }
    }

    func pin(_ thread: String, to number: Int, of id: String) async throws(PluginCommandError) {
        try await command(id) { deployment, _ throws(Deployment.Refusal) in try deployment.pin(thread, to: number) }
    }

    func unpin(_ thread: String, of id: String) async throws(PluginCommandError) {
        try await command(id) { deployment, now throws(Deployment.Refusal) in
            try deployment.unpin(thread, now: now.wall)
        }
    }

    private func command(
        _ id: String,
        _ body: (inout Deployment, Deployment.Moment) throws(Deployment.Refusal) -> [Deployment.Action]
    ) async throws(PluginCommandError) {
        guard slots[id] != nil else { throw unknown(id) }
        do throws(Deployment.Refusal) {
            try await exclusively(id) { () async throws(Deployment.Refusal) in try await perform(id, body) }
        } catch {
            throw PluginCommandError(code: .pluginConflict, sentence: error.sentence + ".")
        }
    }
}
