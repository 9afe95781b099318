/// How plugins are found and run.
struct PluginHostConfiguration: Sendable {
    /// Plugin folders, scanned in this order.
    var folders: [String]
    /// Folder of private copies; made with mode 0700 when missing.
    var cacheFolder: String
    /// Path of the `plugin-worker` program.
    var workerPath: String
    var sandboxPolicy = SandboxPolicy.require
    /// Further folders that plugins in workers may read, absolute.
    var sandboxReadFolders: [String] = []
    /// The adapter for C functions, beside it.
    var adapterPath: String {
        workerPath.lastIndex(of: "/").map { workerPath[..<$0] + "/ffi-adapter.so" } ?? "ffi-adapter.so"
    }
    /// Which plugins run in this process.
    var trusted: Trust = .only([])
    /// Which plugins may be loaded.
    var rules = PluginTrust.Rules()
    /// Folder with `<plugin id>.json` files: configuration of single plugins.
    var configFolder: String?
    /// What plugins see as the host's version.
    var hostVersion: String = "0.1.0"
    var timeouts = PluginTimeouts()
    var recovery = PluginRecovery()
    /// The operator's file of limits; nil: the defaults are true for all.
    var limitsFile: String?

    /// Where a bundle runs.
    func mode(of bundle: Bundle) -> PluginMode {
        trusted.includes(bundle.manifest.id) && !bundle.needsWorker ? .inProcess : .worker
    }

    enum Trust: Sendable, Hashable {
        case all
        case only(Set<String>)

        func includes(_ id: String) -> Bool {
            switch self {
            case .all: true
            case .only(let ids): ids.contains(id)
            }
        }
    }
}

/// Milliseconds that plugins get.
struct PluginTimeouts: Sendable, Hashable {
    /// Loading the library and `create`.
    var create: Int64 = 10_000
    /// Finishing after a cancel or the deadline; then the handle goes stale.
    var grace: Int64 = 10_000
    /// Finishing what is open when the plugin is to end; the manifest may ask for less.
    var drain: Int64 = 10_000
    /// `destroy`.
    var destroy: Int64 = 10_000
    /// A sign of life of a worker that has work to do. A function that blocks its lane for longer is noticed within twice the time,
    /// and the worker is ended.
    var response: Int64 = 5_000
    /// Between two looks at what an instance uses; CPU is averaged over ten of them.
    var sample: Int64 = 1_000
}

/// What became of one file or bundle in a plugin folder.
struct PluginReport: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case loaded
        /// A sentence that names the file and the reason.
        case refused(String)
    }
    var file: String
    var id: String?
    var mode: PluginMode?
    var state: State
}

/// Why no plugin at all can be loaded.
enum PluginHostError: Error, Hashable {
    case folderMissing(String)
    case folderUnreadable(String, reason: String)
    case policyUnusable(String)
    case noResources(String)
    case limitsUnusable(String, reason: String)

    /// Stable, for machines.
    var code: String {
        switch self {
        case .folderMissing: "plugin_folder_missing"
        case .folderUnreadable: "plugin_folder_unreadable"
        case .policyUnusable: "plugin_policy_unusable"
        case .noResources: "plugin_no_resources"
        case .limitsUnusable: "plugin_limits_unusable"
        }
    }

    var sentence: String {
        switch self {
        case .folderMissing(let path): "The plugin folder \(path) does not exist; make it or name another one."
        case .folderUnreadable(let path, let reason): "The plugin folder \(path) cannot be read: \(reason)."
        case .policyUnusable(let reason): reason.prefix(1).uppercased() + reason.dropFirst() + "."
        case .noResources(let reason): "Plugins cannot be run: \(reason)."
        case .limitsUnusable(let path, let reason): "The file of plugin limits \(path) \(reason)."
        }
    }
}
