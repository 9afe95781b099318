/// The way to one running plugin: a runtime in this process, or one in a worker process. It lives as long as that runtime and is
/// not used again after its death.
protocol PluginChannel: AnyObject, Sendable {
    /// Hands a message over. Any thread; does not block; ignored after the end. Messages arrive in order.
    func send(_ message: PluginMessage)

    /// Ends the runtime at once as far as that is possible: a worker is killed (its death is reported), a runtime in process is
    /// abandoned with its threads, and nothing is reported from it any more. Any thread, more than once.
    func abandon()

    /// The same, and the death is reported as `why`, which completes "the worker …". In process it only abandons.
    func end(_ why: String)

    /// What the process of a worker has used; nil when it is gone, and in process, where it cannot be told from the host's.
    var usage: ProcessUsage? { get }

    /// Bytes that were resident at most in the process of a worker that has died; 0 when that is not known, and in process.
    var peakMemory: Int64 { get }

    /// Frees the runtime after `.destroyed` was reported, then calls `done` on another thread. A worker ends by itself instead, which
    /// is reported as its death. Does not block.
    func release(_ done: @escaping @Sendable () -> Void)
}

extension PluginChannel {
    func end(_ why: String) { abandon() }
    var usage: ProcessUsage? { nil }
    var peakMemory: Int64 { 0 }
}

/// Hears what comes over a channel.
protocol PluginChannelReceiver: AnyObject, Sendable {
    /// Any thread, several at once; messages of one token come in order. Must not block.
    func channel(_ channel: any PluginChannel, received events: [PluginEvent])

    /// The worker is gone; `how` completes "the worker …". Nothing comes after it. Never called in process.
    ///
    /// - Parameter words: what the process itself said about it, if it did; for the log, as a plugin can say anything in its place.
    func channel(_ channel: any PluginChannel, died how: String, words: String?)
}

/// Makes channels, for the first start and for restarts.
protocol PluginChannelFactory: Sendable {
    var mode: PluginMode { get }

    /// Throws a sentence when there is no way to start one.
    func open(_ receiver: any PluginChannelReceiver, log: Logger) throws(PluginChannelError) -> any PluginChannel
}

/// Where a plugin's code runs.
enum PluginMode: String, Sendable, Hashable, CaseIterable {
    case inProcess = "in-process"
    case worker
}

struct PluginChannelError: Error, Hashable {
    var sentence: String
}
