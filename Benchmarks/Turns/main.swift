// turns-at-once <plugin folder> <worker program> <in-process | worker> <turns> <seconds> <scratch folder>
//
// So many turns of the agent `bench-ticker` at once, each of which emits a delta every 50 ms by a timer, with everything between the
// agent and a door: plugin host, turn engine, a store on the disk, a reader that encodes each event as the ChatKit door does. No
// sockets: on two cores the kernel alone would need both for 10,000 of them (docs/performance.md). Prints how late the deltas
// reached their readers, and the memory at the beginning and the end of the window.

import Glibc
import Synchronization

@testable import AgentHost

/// Readers that have something to take.
final class Doorway: Sendable {
    let news = BlockingQueue<TurnReader>()
    /// Whether what is seen is counted.
    let counts = Atomic(false)
    let tally = Mutex(Tally())

    /// A turn that has failed: the figures would not be of so many turns.
    func fail(_ sentence: String) {
        print("turns-at-once: a turn failed: \(sentence)")
        exit(1)
    }

    func open(_ reader: TurnReader) {
        // The engine tells once after each `take` that found nothing.
        reader.onReady { [news, weak reader] in if let reader { news.push(reader) } }
        news.push(reader)
    }
}

/// What one thread has seen.
struct Tally: Sendable {
    /// Microseconds, in steps of 100.
    var lateness = [Int](repeating: 0, count: 100_000)
    var deltas = 0
    var bytes = 0

    mutating func note(_ piece: Span<UInt8>, now: Int64) {
        guard !piece.isEmpty, piece[0] == UInt8(ascii: "@") else { return }
        var due: Int64 = 0
        for index in 1..<piece.count where piece[index] != UInt8(ascii: " ") {
            due = due * 10 + Int64(piece[index] - 48)
        }
        deltas += 1
        lateness[min(lateness.count - 1, Int(max(0, now / 1_000 - due)) / 100)] += 1
    }

    func quantile(_ part: Double) -> Double {
        var left = Int(part * Double(deltas))
        for (step, count) in lateness.enumerated() {
            left -= count
            if left < 0 { return Double(step) / 10 }
        }
        return .infinity
    }
}

func residentMegabytes() -> Int {
    let pages = (try? readFile("/proc/self/statm"))?.split(separator: UInt8(ascii: " ")).dropFirst().first ?? []
    return (Int(String(decoding: pages, as: UTF8.self)) ?? 0) * 4_096 / 1_000_000
}

func threadIDs() -> [Int] {
    guard let folder = opendir("/proc/self/task") else { return [] }
    defer { closedir(folder) }
    var ids: [Int] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
        if let id = Int(String(decoding: name, as: UTF8.self)) { ids.append(id) }
    }
    return ids
}

/// Microseconds of CPU that the process and its workers have used.
func usedCPU() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    var used = time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    // Any thread may have started a worker.
    for thread in threadIDs() {
        let children = (try? readFile("/proc/self/task/\(thread)/children")) ?? []
        for child in children.split(separator: UInt8(ascii: " ")) {
            let stat = (try? readFile("/proc/\(String(decoding: child, as: UTF8.self))/stat")) ?? []
            // Behind the name: state and ten more, then ticks of 10 ms in the user's mode and in the kernel.
            let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
            if fields.count > 12 { used += ((Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)) * 10_000 }
        }
    }
    return used
}

func serve(_ doorway: Doorway) {
    var buffer: [UInt8] = []
    var noCursor: EventCursor?
    var wakes = WakePolicy()
    while true {
        let readers = doorway.news.takeAll()
        wakes.note(readers.count)
        if readers.isEmpty { return }
        for reader in readers {
            while case .events(let events) = reader.take(limit: 64 << 10) {
                buffer.removeAll(keepingCapacity: true)
                EventStream.encode(events, after: &noCursor, into: &buffer)
                for case .error(let code, let message, _) in events { doorway.fail("\(code): \(message ?? "")") }
                guard doorway.counts.load(ordering: .relaxed) else { continue }
                let now = monotonicNanoseconds()
                doorway.tally.withLock { tally in
                    tally.bytes += buffer.count
                    for case .itemUpdated(_, .textDeltas(_, let deltas)) in events {
                        deltas.forEach { tally.note($0, now: now) }
                    }
                }
            }
        }
    }
}

func run(_ words: [String]) async throws {
    let isWorker = words[3] == "worker"
    let count = Int(words[4]) ?? 10_000
    let seconds = Int64(words[5]) ?? 10
    let log = Logger(level: .error)
    let store = try SQLiteStore(path: words[6] + "/turns.db")
    let registry = Registry()
    let tools = ToolDispatcher(directory: registry, log: log)
    let plugins = try PluginHost(
        configuration: PluginHostConfiguration(
            folders: [words[1]], cacheFolder: words[6] + "/cache", workerPath: words[2],
            trusted: isWorker ? .only([]) : .all),
        registry: registry, store: store, dispatcher: tools, log: log)
    _ = try await plugins.loadAll()
    let engine = TurnEngine(
        store: store, registry: registry, tools: tools, configuration: TurnConfiguration(), log: log)

    let doorway = Doorway()
    let door = NativeThread(name: "door") { serve(doorway) }
    let message = ChatKit.UserMessage(content: [.text("1000000")])
    // Some at a time, as clients would: one after the other each would wait for two commits of its own.
    let readers = try await withThrowingTaskGroup(of: [TurnReader].self) { group in
        for lane in 0..<64 {
            group.addTask {
                var readers: [TurnReader] = []
                for index in stride(from: lane, to: count, by: 64) {
                    let origin = TurnOrigin(owner: OwnerKey("h:\(index)"), requestID: "req", locale: "en")
                    let reader = try await engine.create(agent: "bench-ticker", message: message, origin: origin)
                    doorway.open(reader)
                    readers.append(reader)
                }
                return readers
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }
    }
    try await Task.sleep(for: .seconds(3))
    let (before, usedBefore) = (residentMegabytes(), usedCPU())
    doorway.counts.store(true, ordering: .relaxed)
    try await Task.sleep(for: .seconds(seconds))
    doorway.counts.store(false, ordering: .relaxed)
    let (after, used) = (residentMegabytes(), usedCPU() - usedBefore)
    let seen = doorway.tally.withLock { $0 }
    print(
        "\(count) turns at once, \(words[3]): p50 \(seen.quantile(0.5)) ms, p99 \(seen.quantile(0.99)) ms, "
            + "most \(seen.quantile(0.999_999)) ms late; \(seen.deltas / Int(seconds)) deltas/s, "
            + "\(Double(used * 100 / max(1, seen.deltas)) / 100) us CPU a delta, "
            + "\(seen.bytes / 1_000_000) MB encoded; \(before) MB, \(after) MB \(seconds) s later")
    doorway.news.close()
    door.join()
    withExtendedLifetime(readers) {}
    // The process ends with its turns: ending them one by one is not what is measured.
    exit(0)
}

let words = CommandLine.arguments
guard words.count == 7 else {
    print(
        "usage: turns-at-once <plugin folder> <worker program> <in-process | worker> <turns> <seconds> <scratch folder>"
    )
    exit(2)
}
Task.detached {
    do { try await run(words) } catch {
        print("turns-at-once: \(error)")
        exit(1)
    }
}
while true { sleep(1_000) }
