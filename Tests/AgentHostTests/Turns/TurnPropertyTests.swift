import Testing

@testable import AgentHost

/// Random turns: whatever an agent, a model, the store and the person do, and in whatever order, what a client sees makes sense and is
/// on the disk. Seeds are fixed, so a failure can be repeated.
struct TurnPropertyTests {
    @Test(arguments: 0..<UInt64(60)) func codedAgents(_ seed: UInt64) {
        var random = SeededGenerator(seed)
        var events = 0
        for round in 0..<25 {
            var course = Course(random: SeededGenerator(random.next()))
            course.begin(nil)
            for _ in 0..<(1 + random.number(60)) { course.agentActs() }
            course.end(Course.Ending.allCases[random.number(Course.Ending.allCases.count)])
            check(course, "seed \(seed), round \(round)")
            events += course.seen.count
        }
        #expect(events > 25 * 12, "turns that say next to nothing prove nothing")
    }

    @Test(arguments: 0..<UInt64(40)) func models(_ seed: UInt64) {
        var random = SeededGenerator(seed &+ 1_000)
        for round in 0..<25 {
            var course = Course(random: SeededGenerator(random.next()))
            course.begin(
                ModelLoop(
                    agent: DeclarativeAgent(instructions: "", tools: ["*"], maxSteps: 4),
                    offer: ToolOffer(Course.tools, asking: ["erase"]), canAsk: random.chance(70)))
            for _ in 0..<(1 + random.number(60)) { course.modelActs() }
            course.end(Course.Ending.allCases[random.number(Course.Ending.allCases.count)])
            check(course, "seed \(seed), round \(round)")
        }
    }

    private func check(_ course: Course, _ which: String) {
        let before = course.seen.count
        // Nothing comes after the end, whatever is said.
        var late = course
        for _ in 0..<20 {
            late.agentActs()
            late.modelActs()
        }
        late.settle()
        #expect(late.seen.count == before, "\(which): events behind the end")

        #expect(course.turn.isOver && course.outcome != nil, "\(which): the turn never ended")
        // What a failed store took away is not completed: an error says so.
        course.seen.checkConformance(isComplete: course.isHeard && !course.hasFailed)
        #expect(course.unseenDurable.isEmpty || !course.isHeard || course.hasFailed, "\(which): stored but never shown")
        #expect(course.shownButNotDurable.isEmpty, "\(which): shown but not stored: \(course.shownButNotDurable)")
        #expect(!course.seen.contains { $0.item?.isHidden == true }, "\(which): a hidden item was sent")
        if course.isHeard, !course.hasFailed {
            #expect(course.shownOrder == course.durableOrder, "\(which): another order than in the store")
        }
    }
}

/// One random turn, with a store that answers late or not at all, and a client that reads when it likes.
private struct Course {
    enum Ending: CaseIterable { case finish, fail, leave, delete, shutdown, interrupt }

    static let tools = ["add", "locate", "erase"].map { name in
        ToolDescriptor(
            plugin: "p", name: name, exposedName: name, title: name, description: "", inputSchema: ["type": "object"],
            runsInClient: name == "locate")
    }

    var random: SeededGenerator
    var turn: Turn
    private(set) var seen: [ChatKit.Event] = []
    private(set) var outcome: Turn.Outcome?
    /// Whether the client reads to the end.
    private(set) var isHeard = true
    /// Whether a write has failed.
    private(set) var hasFailed = false
    private var position = 0
    private var time: Int64 = 0
    private var writes: [(number: Int, operations: [StoreOperation])] = []
    private var durable: [(id: String, item: StoredItem)] = []
    private var asked: [Int] = []
    private var calls: [Int] = []
    /// What the agent has made, by number: "done" when it is complete.
    private var items: [UInt32: String] = [:]
    private let failsAt: Int

    init(random: SeededGenerator) {
        self.random = random
        failsAt = self.random.chance(20) ? self.random.number(8) : .max
        let counter = Counter()
        turn = Turn(
            id: "turn", thread: ChatKit.Thread(id: "thr", createdAt: Timestamp(microseconds: 0)),
            record: ThreadRecord(), owner: ada, configuration: TurnConfiguration(),
            makeID: { "\($0)_\(counter.next())" })
    }

    private final class Counter: @unchecked Sendable {
        // One thread only: a course is run by one test.
        private var count = 0
        func next() -> Int {
            count += 1
            return count
        }
    }

    private var now: Turn.Moment {
        mutating get {
            time += Int64(random.number(50))
            return Turn.Moment(milliseconds: time, wall: Timestamp(microseconds: time * 1_000))
        }
    }

    mutating func begin(_ loop: ModelLoop?) {
        turn.begin(loop, now: now)
        step()
    }

    // MARK: The parties

    mutating func agentActs() {
        let number = UInt32(1 + random.number(6))
        switch random.number(24) {
        case 0...7: agentSays(number)
        case 8, 9: if mayGoOn(number, with: items[number]) { endItem(number) }
        default:
            let (kind, json) = emission()
            agentEmits(number, kind, json)
        }
        step()
    }

    private mutating func agentSays(_ number: UInt32) {
        guard mayGoOn(number, with: "message") || mayBegin(number) else { return }
        items[number] = items[number] ?? "message"
        turn.agentText(
            item: number, ChatKit.TextDeltas(random.one(of: ["a", "é", " ", "", "word ", "\u{301}"])), now: now)
    }

    private mutating func endItem(_ number: UInt32) {
        items[number] = "done"
        turn.agentItemDone(number, now: now)
    }

    private mutating func agentEmits(_ number: UInt32, _ kind: String, _ json: JSON) {
        let (item, begins): (String?, Bool) =
            switch kind {
            case "widget": ("widget", true)
            case "widget.text": ("widget", false)
            case "workflow": ("workflow", true)
            case "workflow_end": ("workflow", false)
            case "task": (items[number] == "workflow" && json["index"] == nil ? "workflow" : "task", true)
            case "image": ("image", true)
            case "annotation": ("message", true)
            case "item", "structured_input", "end_of_turn": ("done", true)
            case "replace", "remove": ("done", false)
            default: (nil, true)
            }
        if let item {
            let isNews = kind == "workflow" || item == "done" && begins
            guard begins && mayBegin(number) || !isNews && mayGoOn(number, with: item) else { return }
            items[number] = kind == "workflow_end" ? "done" : items[number] ?? item
        }
        // What ends a turn is rare, so that turns get somewhere.
        if kind == "error" || kind == "client_tool_call", !random.chance(10) { return }
        turn.agentEmitted(item: number, kind: kind, json: json.encoded, now: now)
    }

    /// Agents do what they may; mistakes, which end the turn, are rare.
    private mutating func mayBegin(_ number: UInt32) -> Bool { items[number] == nil || random.chance(2) }
    private mutating func mayGoOn(_ number: UInt32, with item: String?) -> Bool {
        items[number] != nil && items[number] == item && (item != "done" || random.chance(50)) || random.chance(2)
    }

    private mutating func emission() -> (String, JSON) {
        let widget: JSON = [
            "type": "Card",
            "children": [
                ["type": "Text", "id": "t", "value": .string(String(repeating: "x", count: random.number(5)))]
            ],
        ]
        return random.one(of: [
            ("widget", widget), ("widget.text", ["id": "t", "delta": "y", "done": .bool(random.chance(20))]),
            ("workflow", [:]), ("task", ["title": "t"]), ("task", ["title": "u", "index": 0]), ("workflow_end", [:]),
            ("image", [:]), ("image", ["image": ["url": "u:1"], "progress": 0.5]),
            ("annotation", ["source": ["type": "url", "title": "t", "url": "u"]]), ("progress", ["text": "p"]),
            ("notice", ["message": "n"]), ("effect", ["name": "e"]), ("thread", ["title": "T"]),
            ("hidden_context", ["content": 1]), ("end_of_turn", [:]), ("options", ["allow_cancel": true]),
            ("item", ["type": "task", "task": ["title": "whole"]]),
            ("replace", ["item": ["type": "assistant_message", "content": [["type": "output_text", "text": "r"]]]]),
            ("remove", [:]), ("structured_input", ["inputs": [["id": "a", "question": "?"]]]),
            ("error", ["message": "no"]), ("client_tool_call", ["name": "f"]),
        ])
    }

    mutating func modelActs() {
        if let step = asked.last, calls.isEmpty {
            switch random.number(12) {
            case 0...5: turn.modelSaid(.text(random.one(of: ["a", " ", "é", "word "])), step: step, now: now)
            case 9, 10:
                turn.modelSaid(.reasoning(random.one(of: ["hm ", " ", "so\n", "é"])), step: step, now: now)
            case 6, 7:
                turn.modelSaid(
                    .toolCall(
                        index: random.number(3), id: "c", name: random.one(of: ["add", "locate", "erase", "nothing"]),
                        arguments: random.one(of: ["{}", "{", "[1]"])), step: step, now: now)
            case 8:
                turn.modelEnded(
                    .success(ModelEnd(finishReason: random.one(of: ["stop", "length"]))), step: step, now: now)
            default: if random.chance(20) { turn.modelEnded(.failure(.crashed), step: step, now: now) }
            }
        } else if let slot = calls.first {
            if random.chance(40) {
                turn.toolProgressed(["text": "p"], slot: slot, now: now)
            } else {
                calls.removeFirst()
                turn.toolEnded(random.chance(70) ? .success("ok") : .failure("no"), slot: slot, now: now)
            }
        }
        step()
    }

    mutating func end(_ ending: Ending) {
        switch ending {
        case .finish: turn.agentFinished(.success(()), now: now)
        case .fail: turn.agentFinished(.failure(random.one(of: [.crashed, .limit, .failed("x")])), now: now)
        case .leave:
            isHeard = false
            turn.cancel(.readerLeft, now: now)
        case .delete:
            isHeard = false
            turn.cancel(.threadDeleted, now: now)
        case .shutdown: turn.cancel(.shutdown, now: now)
        case .interrupt: turn.cancel(.interrupted, now: now)
        }
        settle()
    }

    // MARK: Driver, store and reader

    /// Performs actions; the store answers now and then, the client reads now and then.
    private mutating func step() {
        perform()
        if random.chance(40) { answer() }
        if random.chance(10) { turn.clock(now) }
        perform()
        if random.chance(50) { read() }
    }

    mutating func settle() {
        perform()
        while !writes.isEmpty {
            answer()
            perform()
        }
        if isHeard { read() }
    }

    private mutating func perform() {
        let actions = turn.takeActions()
        if actions.isEmpty { return }
        for action in actions {
            switch action {
            case .store(let number, let operations): writes.append((number, operations))
            case .release: turn.released()
            case .askModel(let step, _, _, _): asked.append(step)
            case .callTool(let slot, let name, _, _):
                #expect(name != "erase", "a tool that needs consent ran without it")
                calls.append(slot)
            case .finish(let outcome): self.outcome = outcome
            case .checkpoint, .cancelWork, .wake, .credit, .asked, .handOver: break
            }
        }
        perform()
    }

    private mutating func answer() {
        guard !writes.isEmpty else { return }
        let (number, operations) = writes.removeFirst()
        if number > failsAt {
            hasFailed = true
            turn.storeFailed(number, .failed("full"), now: now)
            return
        }
        for operation in operations {
            switch operation {
            case .insertItem(let item, _): durable.append((item.id, item))
            case .upsertItem(let item, _):
                if let index = durable.firstIndex(where: { $0.id == item.id }) {
                    durable[index].item = item
                } else {
                    durable.append((item.id, item))
                }
            case .deleteItem(let id, _, _): durable.removeAll { $0.id == id }
            default: break
            }
        }
        turn.stored(number)
    }

    private mutating func read() {
        guard isHeard else { return }
        seen += turn.transcript.log.read(from: position)
        position = turn.transcript.log.visible
        _ = turn.transcript.log.trim(below: position)
    }

    // MARK: What is compared

    /// The items as the client has them: id and content.
    private var shown: [(id: String, json: [UInt8])] {
        var items: [(id: String, json: [UInt8])] = []
        for event in seen {
            switch event {
            case .itemDone(let item): items.append((item.id, item.encoded))
            case .itemReplaced(let item):
                if let index = items.firstIndex(where: { $0.id == item.id }) {
                    items[index].json = item.encoded
                } else {
                    items.append((item.id, item.encoded))
                }
            case .itemRemoved(let id): items.removeAll { $0.id == id }
            default: break
            }
        }
        return items
    }

    private var visibleDurable: [(id: String, item: StoredItem)] { durable.filter { !$0.item.isHidden } }
    var shownOrder: [String] { shown.map(\.id) }
    var durableOrder: [String] { visibleDurable.map(\.id) }

    /// Items that were stored and that no event has announced as done.
    var unseenDurable: [String] {
        let ids = Set(shownOrder)
        return durableOrder.filter { !ids.contains($0) }
    }

    /// Items the client has that the store does not have so. The client may be behind what is stored, never ahead.
    var shownButNotDurable: [String] {
        shown.filter { shown in
            guard let stored = durable.first(where: { $0.id == shown.id }) else { return isHeard }
            return isHeard && stored.item.json != shown.json
        }.map(\.id)
    }
}
