/// The generations of one plugin: which one answers, which one stands by, which one is tried out.
///
/// Decides what happens when one is loaded, fails, crashes or proves itself, and when an operator wants something else. Pure: the time is
/// given; what is to be done is answered and performed by `PluginHost`.
///
/// An upgrade: the new generation serves, and the old one stands by until the new one has lived for a minute; then the old one is retired. Three
/// crashes before that, and the old one serves again.
struct Deployment: Sendable, Hashable {
    /// How long a new generation is on probation, in milliseconds, and how many crashes end it.
    static let probation: Int64 = 60_000
    static let crashLimit = 3
    /// Generations that are remembered when they are gone.
    static let historyLimit = 16
    /// Threads that can be pinned.
    static let pinLimit = 1_000

    enum Status: String, Sendable, Hashable, CaseIterable {
        /// Its library is being loaded, created and probed.
        case loading
        /// Answers a share of the threads.
        case canary
        /// Answers.
        case serving
        /// Served before, and would again if its successor fails.
        case standby
        /// Kept for the threads that are pinned to it.
        case pinned
        /// Gets no new turns; those it has may end.
        case draining
        /// Gone, in good order.
        case ended
        /// Never served: the reason says why.
        case failed
        /// Served and was taken back: the reason says why.
        case returned
    }

    struct Record: Sendable, Hashable {
        let number: Int
        var version: String
        /// Of the bundle's content.
        var hash: String
        /// Name of its file or bundle in the plugin folder.
        var file: String
        var status: Status
        var reason: String?
        var changedAt: Timestamp
        /// Since when it has got turns, in milliseconds of the monotonic clock; nil when it gets none.
        var since: Int64?
        /// Crashes on probation.
        var crashes = 0
        /// It has been through its probation.
        var isProven = false

        /// Whether its code is loaded.
        var isLive: Bool {
            switch status {
            case .canary, .serving, .standby, .pinned, .draining: true
            case .loading, .ended, .failed, .returned: false
            }
        }
    }

    enum Action: Sendable, Hashable {
        /// Turns are to be spread as `serving`, `canary` and `pins` say now.
        case route
        /// It gets no more turns: let it go when those it has are over.
        case retire(Int)
        /// Load it again from its private copy, then say `loadedAgain` or `failed`.
        case load(Int)
        /// Ask `probationOver` at that time.
        case probation(Int, until: Int64)
        case log(LogLevel, String)
    }

    let plugin: String
    /// Oldest first.
    private(set) var records: [Record] = []
    private(set) var lastNumber = 0
    private(set) var serving: Int?
    private(set) var standby: Int?
    private(set) var canary: Int?
    /// Threads of a hundred that go to the canary.
    private(set) var percent = 0
    /// Generation by thread id.
    private(set) var pins: [String: Int] = [:]
    /// Switched off by the operator.
    private(set) var isDisabled = false
    /// What served when the plugin was taken out of service.
    private(set) var servedLast: Int?
    /// Content in the plugin folder that is not loaded by itself: it was taken back.
    private(set) var heldBack: String?

    init(plugin: String) { self.plugin = plugin }

    func record(_ number: Int) -> Record? { records.first { $0.number == number } }
    var servingRecord: Record? { serving.flatMap(record) }

    /// What becomes of the content `hash` when it is found in the plugin folder.
    enum Verdict: Sendable, Hashable {
        case load
        /// It serves or is tried out.
        case isLive
        /// An operator or a crash has taken it back.
        case isHeldBack
        case isDisabled
    }

    func verdict(on hash: String) -> Verdict {
        if isDisabled { return .isDisabled }
        if let live = [serving, canary].compactMap({ $0 }).compactMap(record).first(where: { $0.hash == hash }),
            live.isLive
        {
            return .isLive
        }
        return heldBack == hash ? .isHeldBack : .load
    }

    // MARK: Loading

    /// A new generation is going to be loaded. Answers its number.
    mutating func begin(version: String, hash: String, file: String, now: Timestamp) -> Int {
        lastNumber += 1
        records.append(
            Record(number: lastNumber, version: version, hash: hash, file: file, status: .loading, changedAt: now))
        forgetOld()
        return lastNumber
    }

    /// One that is gone is going to be loaded again, under its number.
    mutating func beginAgain(_ number: Int, now: Timestamp) {
        change(number, to: .loading, nil, now)
    }

    /// It can answer.
    ///
    /// - Parameter percent: nil to serve at once; else the share of the threads it is tried out on.
    mutating func loaded(_ number: Int, percent: Int? = nil, now: Moment) -> [Action] {
        guard record(number)?.status == .loading else { return [.retire(number)] }
        isDisabled = false
        if record(number)?.hash == heldBack { heldBack = nil }
        guard let percent, serving != nil else { return serve(number, now) }
        var actions: [Action] = []
        if let old = canary, old != number {
            actions += leave(old, .returned, "replaced by generation \(number)", now) + [.retire(old)]
        }
        canary = number
        self.percent = min(max(percent, 0), 100)
        change(number, to: .canary, nil, now.wall)
        return actions + onProbation(number, now) + [.route]
    }

    /// It could not be loaded; what serves goes on.
    mutating func failed(_ number: Int, _ reason: String, now: Timestamp) {
        change(number, to: .failed, reason, now)
        if serving == number { serving = nil }
        if canary == number { (canary, percent) = (nil, 0) }
    }

    private mutating func serve(_ number: Int, _ now: Moment) -> [Action] {
        var actions: [Action] = []
        if canary == number {
            canary = nil
            percent = 0
        }
        let before = serving
        serving = number
        change(number, to: .serving, nil, now.wall)
        if let before, before != number, record(before)?.isLive == true {
            if let older = standby, older != number { actions += letGo(older, now.wall) }
            standby = before
            change(before, to: .standby, nil, now.wall)
        } else if standby == number {
            standby = nil
        }
        return actions + onProbation(number, now) + [.route]
    }

    private mutating func onProbation(_ number: Int, _ now: Moment) -> [Action] {
        set(number) {
            if $0.since == nil { $0.crashes = 0 }
            $0.since = $0.since ?? now.monotonic
        }
        return [.probation(number, until: now.monotonic + Deployment.probation)]
    }

    // MARK: Proving

    /// It may have lived long enough.
    mutating func probationOver(_ number: Int, now: Moment) -> [Action] {
        guard let record = record(number), record.isLive, let since = record.since,
            now.monotonic - since >= Deployment.probation
        else { return [] }
        set(number) { $0.isProven = true }
        guard serving == number, let old = standby else { return [] }
        standby = nil
        return letGo(old, now.wall)
    }

    /// It has crashed. `how` completes "it was taken back: …".
    ///
    /// - Parameter isFinal: it will not come back by itself.
    mutating func crashed(_ number: Int, _ how: String, isFinal: Bool = false, now: Moment) -> [Action] {
        guard let record = record(number), serving == number || canary == number, let since = record.since,
            now.monotonic - since < Deployment.probation, !records.contains(where: { $0.status == .loading })
        else { return [] }
        set(number) { $0.crashes += 1 }
        guard isFinal || record.crashes + 1 >= Deployment.crashLimit else { return [] }
        let crashes = record.crashes + 1
        let reason = "\(crashes) \(crashes == 1 ? "crash" : "crashes") within a minute of its start; the last: \(how)"
        if canary == number {
            return leave(number, .returned, reason, now) + [.route, .retire(number), warning(number, reason)]
        }
        guard let target = predecessor(of: number) else { return [] }
        return back(from: number, to: target, reason, now) + [warning(number, reason)]
    }

    private func warning(_ number: Int, _ reason: String) -> Action {
        .log(.error, "generation \(number) was taken back: \(reason)")
    }

    /// What served before and was not taken back itself.
    private func predecessor(of number: Int) -> Int? {
        if let standby { return standby }
        return records.last { $0.number != number && $0.status == .ended && ($0.isProven || $0.since != nil) }?.number
    }

    /// Lets `target` serve instead.
    private mutating func back(from number: Int, to target: Int, _ reason: String, _ now: Moment) -> [Action] {
        heldBack = record(number)?.hash == record(target)?.hash ? nil : record(number)?.hash
        guard let goal = record(target), goal.isLive, goal.status != .draining else {
            // It serves on until the other is there.
            set(number) { $0.reason = reason }
            beginAgain(target, now: now.wall)
            return [.load(target)]
        }
        if standby == target { standby = nil }
        serving = target
        change(target, to: .serving, nil, now.wall)
        return leave(number, .returned, reason, now) + [.route, .retire(number)]
    }

    // MARK: The operator

    /// Why a command cannot be carried out: a sentence.
    struct Refusal: Error, Hashable { var sentence: String }

    /// All threads go to the canary.
    mutating func promote(now: Moment) throws(Refusal) -> [Action] {
        guard let canary else { throw Refusal(sentence: "\(plugin) has no canary to promote") }
        return serve(canary, now)
    }

    /// Changes the canary's share.
    mutating func setPercent(_ percent: Int) throws(Refusal) -> [Action] {
        guard canary != nil else { throw Refusal(sentence: "\(plugin) has no canary; install one with --canary") }
        self.percent = min(max(percent, 0), 100)
        return [.route]
    }

    /// Takes the canary back, or else returns to an earlier generation: `target`, or the one that served before.
    mutating func rollBack(to target: Int? = nil, now: Moment) throws(Refusal) -> [Action] {
        let reason = "rolled back by the operator"
        if target == nil, let canary {
            heldBack = record(canary)?.hash
            return leave(canary, .returned, reason, now) + [.route, .retire(canary)]
        }
        guard let current = serving else { throw Refusal(sentence: "\(plugin) is not loaded") }
        guard let goal = target ?? predecessor(of: current) else {
            throw Refusal(sentence: "\(plugin) has no earlier generation that served; install a version instead")
        }
        guard let record = record(goal) else {
            throw Refusal(sentence: "\(plugin) has no generation \(goal); `plugins inspect` lists them")
        }
        if goal == current { throw Refusal(sentence: "generation \(goal) of \(plugin) serves already") }
        if goal == canary { return try promote(now: now) }
        if record.status == .loading { throw Refusal(sentence: "generation \(goal) of \(plugin) is being loaded") }
        return back(from: current, to: goal, reason, now)
    }

    /// A generation was loaded to take over from one that an operator or crashes have taken back.
    mutating func loadedAgain(_ number: Int, now: Moment) -> [Action] {
        guard record(number)?.status == .loading else { return [.retire(number)] }
        let before = serving
        serving = number
        change(number, to: .serving, nil, now.wall)
        set(number) { $0.since = now.monotonic }
        guard let before, before != number else { return [.route] }
        let reason = record(before)?.reason ?? "replaced by generation \(number)"
        return leave(before, .returned, reason, now) + [.route, .retire(before)]
    }

    /// One that threads are pinned to has been loaded again.
    mutating func loadedForPins(_ number: Int, now: Timestamp) -> [Action] {
        guard record(number)?.status == .loading else { return [.retire(number)] }
        change(number, to: .pinned, nil, now)
        return [.route]
    }

    /// Takes the plugin out of service until `loaded`.
    ///
    /// - Parameter reason: for its generations.
    mutating func withdraw(disabling: Bool, _ reason: String, now: Timestamp) -> [Action] {
        isDisabled = isDisabled || disabling
        servedLast = serving ?? servedLast
        (serving, standby, canary, percent) = (nil, nil, nil, 0)
        pins = [:]
        var actions: [Action] = [.route]
        for record in records where record.isLive && record.status != .draining {
            change(record.number, to: .draining, reason, now)
            actions.append(.retire(record.number))
        }
        return actions
    }

    /// It may be loaded again. What was taken back stays so.
    mutating func enable() { isDisabled = false }

    /// Lets all turns of a thread go to one generation that is loaded.
    mutating func pin(_ thread: String, to number: Int) throws(Refusal) -> [Action] {
        guard let record = record(number) else {
            throw Refusal(sentence: "\(plugin) has no generation \(number); `plugins inspect` lists them")
        }
        guard record.isLive, record.status != .draining else {
            throw Refusal(sentence: "generation \(number) of \(plugin) is not loaded; only one that is can be pinned")
        }
        guard pins[thread] != nil || pins.count < Deployment.pinLimit else {
            throw Refusal(sentence: "\(Deployment.pinLimit) threads are pinned already; unpin some first")
        }
        pins[thread] = number
        return [.route]
    }

    mutating func unpin(_ thread: String, now: Timestamp) throws(Refusal) -> [Action] {
        guard let number = pins.removeValue(forKey: thread) else {
            throw Refusal(sentence: "thread \(thread.prefix(128)) is not pinned")
        }
        guard record(number)?.status == .pinned, !pins.values.contains(number) else { return [.route] }
        change(number, to: .draining, nil, now)
        return [.route, .retire(number)]
    }

    /// It is gone.
    mutating func gone(_ number: Int, now: Timestamp) {
        guard let record = record(number), record.isLive else { return }
        change(number, to: .ended, record.reason, now)
        forgetOld()
    }

    // MARK: Pieces

    /// It gets no more turns, in good order, unless threads are pinned to it.
    private mutating func letGo(_ number: Int, _ now: Timestamp) -> [Action] {
        if pins.values.contains(number) {
            change(number, to: .pinned, nil, now)
            return []
        }
        change(number, to: .draining, nil, now)
        return [.retire(number)]
    }

    /// It was taken back.
    private mutating func leave(_ number: Int, _ status: Status, _ reason: String, _ now: Moment) -> [Action] {
        if canary == number {
            heldBack = record(number)?.hash
            canary = nil
            percent = 0
        }
        if standby == number { standby = nil }
        pins = pins.filter { $0.value != number }
        change(number, to: status, reason, now.wall)
        set(number) { $0.since = nil }
        return []
    }

    private mutating func change(_ number: Int, to status: Status, _ reason: String?, _ now: Timestamp) {
        set(number) {
            $0.status = status
            $0.reason = reason
            $0.changedAt = now
        }
    }

    private mutating func set(_ number: Int, _ body: (inout Record) -> Void) {
        guard let index = records.firstIndex(where: { $0.number == number }) else { return }
        body(&records[index])
    }

    private mutating func forgetOld() {
        while records.count > Deployment.historyLimit,
            let index = records.firstIndex(where: { !$0.isLive && $0.status != .loading })
        {
            records.remove(at: index)
        }
    }

    /// What was kept.
    mutating func restore(
        _ records: [Record], last: Int, serving: Int?, canary: Int?, percent: Int, isDisabled: Bool, servedLast: Int?,
        heldBack: String?, pins: [String: Int]
    ) {
        self.records = records
        lastNumber = last
        (self.serving, self.canary, self.percent) = (serving, canary, percent)
        (self.isDisabled, self.servedLast, self.heldBack, self.pins) = (isDisabled, servedLast, heldBack, pins)
    }

    /// After a restart of the host: nothing is loaded, but what served, was tried out or was pinned is to be again.
    mutating func restart(now: Timestamp) {
        standby = nil
        for record in records {
            switch record.status {
            case .loading: change(record.number, to: .failed, "the host ended while it was being loaded", now)
            case .canary, .serving, .standby, .pinned, .draining: change(record.number, to: .ended, nil, now)
            case .ended, .failed, .returned: break
            }
            set(record.number) { $0.since = nil }
        }
    }

    /// The two clocks.
    struct Moment: Sendable, Hashable {
        var wall: Timestamp
        /// Milliseconds.
        var monotonic: Int64
        static func now() -> Moment { Moment(wall: .now(), monotonic: monotonicMilliseconds()) }
    }
}
