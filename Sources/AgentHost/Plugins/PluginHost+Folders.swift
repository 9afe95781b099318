// What lies in the plugin folders, and what changes there.

/// A bundle or single file in a plugin folder, as it was seen last.
struct FoundFile: Sendable, Hashable {
    /// Nil: it is to be looked at again.
    var signature: UInt64?
    /// Of the plugin in it; nil when it could not be read.
    var id: String?
    /// Why it is not in use; nil when it is.
    var refusal: String?
    /// Since when it is gone, in milliseconds of the monotonic clock.
    var missingSince: Int64?
}

extension PluginHost {
    /// How long a file must be gone before its plugin is taken out of service: some tools replace a file by removing it first.
    static let removalPause: Int64 = 2_000

    /// Scans the folders once (names that begin with a dot are left alone: copies under way), in order, and loads what is in them, sorted by
    /// name. Answers what became of each file. Throws when a folder is missing; then nothing was loaded.
    func loadAll() async throws(PluginHostError) -> [PluginReport] {
        if let policy = configuration.rules.policy {
            // Said at once and as what it is, not with each plugin.
            do { _ = try await blocking.run { () throws(BundleError) in try PluginPolicy.read(policy) } } catch {
                throw .policyUnusable(error.reason)
            }
        }
        var paths: [String] = []
        for folder in configuration.folders { paths += try await candidates(folder) }
        await askForSandbox()
        var reports: [PluginReport] = []
        for path in paths { reports.append(await deploy(path)) }
        return reports
    }

    private func candidates(_ folder: String) async throws(PluginHostError) -> [String] {
        let entries: [FileSystem.Entry]
        do {
            entries = try await blocking.run { () throws(FileError) in try FileSystem.list(folder) }
        } catch {
            throw error.code == 2 ? .folderMissing(folder) : .folderUnreadable(folder, reason: error.sentence)
        }
        return entries.map(\.name).filter(PluginHost.isPluginName).map { "\(folder)/\($0)" }
    }

    static func isPluginName(_ name: String) -> Bool {
        (name.hasSuffix(".agentplugin") || name.hasSuffix(".so")) && !name.hasPrefix(".") && !name.contains("/")
    }

    // MARK: One file

    /// Loads what lies at `path`, if it is not loaded already or was taken back. Never throws: the log and the report tell.
    func deploy(_ path: String) async -> PluginReport {
        var report = PluginReport(file: Bundle.lastComponent(path), state: .loaded)
        let before = found[path]
        found[path] = FoundFile(signature: await blocking.run { FileSystem.signature(of: path) }, id: before?.id)
        do throws(BundleError) {
            let bundle = try await loader.read(path)
            let id = bundle.manifest.id
            if let other = before?.id, other != id { await withdraw(other, foundAt: path) }
            found[path]?.id = id
            report.id = id
            report.mode = configuration.mode(of: bundle)
            try await exclusively(id) { () async throws(BundleError) in try await deploy(bundle, at: path) }
        } catch {
            let sentence = "\(report.file): \(error.reason)"
            report.state = .refused(sentence)
            found[path]?.refusal = error.reason
            log.error("plugin refused: \(sentence)", ["file": .string(report.file)])
        }
        return report
    }

    private func deploy(_ bundle: Bundle, at path: String) async throws(BundleError) {
        let id = bundle.manifest.id
        let hash = await blocking.run { PrivateCopy.digest(bundle.files) }
        if slots[id] == nil {
            slots[id] = Slot(deployment: await deployment(of: id), path: path)
            await restore(bundle, hash)
        } else if let other = slots[id]?.path, other != path {
            // The same plugin in another file: an upgrade if the first one is gone, else one too many.
            guard await blocking.run({ FileSystem.kind(at: other) }) == nil else {
                throw BundleError(reason: "plugin id \"\(id)\" is already taken by \(Bundle.lastComponent(other))")
            }
            found[other] = nil
            slots[id]?.path = path
        }
        switch slots[id]?.deployment.verdict(on: hash) {
        case .load: try await install(bundle, hash, percent: nil)
        case .isLive: log.debug("nothing has changed in \(bundle.fileName)", ["plugin": .string(id)])
        case .isHeldBack:
            found[path]?.refusal = "this content was taken back; `plugins reload \(id)` loads it all the same"
            log.warn(
                "\(bundle.fileName) holds content that was taken back; it is not loaded by itself",
                ["plugin": .string(id)])
        case .isDisabled:
            found[path]?.refusal = "the plugin is disabled; `plugins enable \(id)` loads it"
            log.info("plugin is disabled", ["plugin": .string(id)])
        case nil: break
        }
    }

    /// Loads a bundle as a new generation of its plugin, whose slot is there. If that fails and nothing serves, what served before is loaded.
    func install(_ bundle: Bundle, _ hash: String, percent: Int?) async throws(BundleError) {
        let id = bundle.manifest.id
        let number = change(id) { deployment in
            deployment.begin(
                version: bundle.manifest.version, hash: hash, file: bundle.fileName, now: .now())
        }
        guard let number else { return }
        do throws(BundleError) {
            try await load(bundle, number, percent: percent)
        } catch {
            if slots[id]?.live.isEmpty == true, let last = slots[id]?.deployment.servingRecord {
                await bringBack(last, of: id)
            }
            if slots[id]?.deployment.records.allSatisfy({ $0.status == .failed }) == true { slots[id] = nil }
            throw error
        }
        log.info(
            "plugin loaded",
            [
                "file": .string(bundle.fileName), "plugin": .string(id), "version": .string(bundle.manifest.version),
                "mode": .string(slots[id]?.live[number]?.instance.mode.rawValue ?? ""),
                "generation": .int(Int64(number)),
            ])
    }

    /// After a restart of the host: loads what served, what was tried out and what threads are pinned to, if `bundle` is one of them or was
    /// taken back. Other content is an upgrade that came while the host was down.
    private func restore(_ bundle: Bundle, _ hash: String) async {
        let id = bundle.manifest.id
        guard let kept = slots[id]?.deployment, !kept.isDisabled, let serving = kept.servingRecord else { return }
        let canary = kept.canary.flatMap(kept.record)
        guard [serving.hash, canary?.hash, kept.heldBack].contains(hash) else { return }
        await bringBack(serving, of: id, from: serving.hash == hash ? bundle : nil)
        guard slots[id]?.live[serving.number] != nil else { return }
        if let canary {
            await bringBack(canary, of: id, from: canary.hash == hash ? bundle : nil, percent: kept.percent)
        }
        for number in Set(kept.pins.values) where slots[id]?.live[number] == nil {
            if let pinned = kept.record(number) { await bringBack(pinned, of: id, isPinned: true) }
        }
    }

    /// Loads a generation of an earlier run again, from its private copy unless its content is at hand.
    func bringBack(
        _ record: Deployment.Record, of id: String, from bundle: Bundle? = nil, percent: Int? = nil,
        isPinned: Bool = false
    ) async {
        do throws(BundleError) {
            let content: Bundle
            if let bundle { content = bundle } else { content = try await loader.reopen(record) }
            change(id) { $0.beginAgain(record.number, now: .now()) }
            try await load(content, record.number, percent: percent, isAgain: percent == nil, isPinned: isPinned)
            log.info(
                "plugin loaded",
                [
                    "file": .string(record.file), "plugin": .string(id), "version": .string(record.version),
                    "mode": .string(slots[id]?.live[record.number]?.instance.mode.rawValue ?? ""),
                    "generation": .int(Int64(record.number)),
                ])
        } catch {
            log.error(
                "generation \(record.number) could not be loaded again: \(error.reason)", ["plugin": .string(id)])
        }
    }

    // MARK: Changes

    /// Something may have changed in the folders.
    func changed() {
        guard !isShutDown else { return }
        guard !isScanning else { return mustScanAgain = true }
        isScanning = true
        Task {
            repeat {
                mustScanAgain = false
                await scan()
            } while mustScanAgain && !isShutDown
            isScanning = false
        }
    }

    private func scan() async {
        var present: Set<String> = []
        for folder in configuration.folders {
            do throws(PluginHostError) { present.formUnion(try await candidates(folder)) } catch {
                // Unmounted, perhaps: what is loaded from there goes on.
                present.formUnion(found.keys.filter { $0.hasPrefix("\(folder)/") })
            }
        }
        for path in present.sorted() where !claimed.contains(path) && !isShutDown {
            watch?.add(path)
            let signature = await blocking.run { FileSystem.signature(of: path) }
            found[path]?.missingSince = nil
            guard signature != nil, found[path]?.signature != signature else { continue }
            _ = await deploy(path)
        }
        for path in found.keys.sorted() where !present.contains(path) && !claimed.contains(path) && !isShutDown {
            await miss(path)
        }
    }

    private func miss(_ path: String) async {
        let now = monotonicMilliseconds()
        guard let since = found[path]?.missingSince else {
            found[path]?.missingSince = now
            deadlines.schedule(at: now + PluginHost.removalPause) { [weak self] in Task { await self?.changed() } }
            return
        }
        guard now - since >= PluginHost.removalPause else { return }
        let id = found.removeValue(forKey: path)?.id
        if let id { await withdraw(id, foundAt: path) }
    }

    /// Takes a plugin out of service whose file is gone.
    private func withdraw(_ id: String, foundAt path: String) async {
        await exclusively(id) {
            guard slots[id]?.path == path else { return }
            log.warn(
                "plugin withdrawn: \(Bundle.lastComponent(path)) is gone from the plugin folder",
                ["plugin": .string(id)])
            await perform(id) { deployment, now in
                deployment.withdraw(disabling: false, "its file was removed", now: now.wall)
            }
        }
    }
}
