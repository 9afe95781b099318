import Synchronization
import Testing

@testable import AgentHost

/// The state machine alone: inputs in, actions and events out.
struct TurnTests {
    private static func moment(_ milliseconds: Int64) -> Turn.Moment {
        Turn.Moment(milliseconds: milliseconds, wall: Timestamp(microseconds: milliseconds * 1_000))
    }

    private static func turn() -> Turn {
        let counter = Counter()
        return Turn(
            id: "turn_1", thread: ChatKit.Thread(id: "thr_1", createdAt: moment(0).wall), record: ThreadRecord(),
            owner: ada,
            configuration: TurnConfiguration(), makeID: { "\($0)_\(counter.next())" })
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test func finishWaitsForTheClosingWrite() {
        var turn = TurnTests.turn()
        turn.begin(nil, now: TurnTests.moment(0))
        let actions1 = turn.takeActions().names
        #expect(actions1 == ["wake 120000"])
        turn.agentText(item: 1, "hi", now: TurnTests.moment(5))
        let actions2 = turn.takeActions().names
        #expect(actions2 == ["wake 1005"])
        turn.agentFinished(.success(()), now: TurnTests.moment(9))
        let actions3 = turn.takeActions().names
        #expect(actions3 == ["store 1: insert assistant_message, close"])
        #expect(
            turn.transcript.log.events.dropFirst(turn.transcript.log.visible).map(\.name) == ["done assistant_message"])
        turn.stored(1)
        let actions4 = turn.takeActions().names
        #expect(actions4 == ["finish completed"])
        #expect(turn.transcript.log.isFullyVisible)
    }

    @Test func sameInputsGiveTheSameEvents() {
        func run() -> [ChatKit.Event] {
            var turn = TurnTests.turn()
            turn.begin(nil, now: TurnTests.moment(0))
            for index in 0..<20 {
                turn.agentText(
                    item: UInt32(index % 3), ChatKit.TextDeltas("\(index) "), now: TurnTests.moment(Int64(index)))
            }
            turn.agentFinished(.success(()), now: TurnTests.moment(30))
            turn.stored(1)
            return turn.transcript.log.events
        }
        #expect(run() == run())
        run().checkConformance()
    }

    @Test func checkpointsComeAtMostOnceASecond() {
        var turn = TurnTests.turn()
        turn.begin(nil, now: TurnTests.moment(0))
        _ = turn.takeActions()
        var checkpoints = 0
        for time in stride(from: Int64(0), to: 5_000, by: 10) {
            turn.agentText(item: 1, "x", now: TurnTests.moment(time))
            turn.clock(TurnTests.moment(time))
            checkpoints += turn.takeActions().names.count { $0 == "checkpoint" }
        }
        #expect((3...5).contains(checkpoints))
    }

    @Test func cancelWhileWaitingNeedsNoWriteAndALateLeaseGoesBack() {
        var turn = TurnTests.turn()
        turn.cancel(.readerLeft, now: TurnTests.moment(0))
        let actions5 = turn.takeActions().names
        #expect(actions5 == ["finish cancelled"])
        turn.begin(nil, now: TurnTests.moment(1))
        let actions6 = turn.takeActions().names
        #expect(actions6 == ["release"])
    }

    @Test func cancelKeepsTextAndLeavesANote() {
        var turn = TurnTests.turn()
        turn.begin(nil, now: TurnTests.moment(0))
        turn.agentText(item: 1, "partial", now: TurnTests.moment(1))
        _ = turn.takeActions()
        turn.cancel(.readerLeft, now: TurnTests.moment(2))
        let actions9 = turn.takeActions().names
        #expect(
            actions9 == [
                "cancel work", "store 1: insert assistant_message, insert sdk_hidden_context, close",
            ])
        turn.cancel(.readerLeft, now: TurnTests.moment(3))
        turn.agentText(item: 1, "late", now: TurnTests.moment(4))
        turn.agentFinished(.success(()), now: TurnTests.moment(4))
        let late = turn.takeActions()
        #expect(late.isEmpty)
    }

    @Test func totalLimitEndsEvenABusyTurn() {
        var turn = TurnTests.turn()
        turn.begin(nil, now: TurnTests.moment(0))
        for time in stride(from: Int64(0), to: 600_000, by: 50_000) {
            turn.agentText(item: 1, "x", now: TurnTests.moment(time))
        }
        turn.clock(TurnTests.moment(600_000))
        #expect(turn.isOver)
        #expect(turn.transcript.log.events.names.last == "error turn_timeout")
    }

    @Test func failedClosingWriteReleasesTheThreadFirst() {
        var turn = TurnTests.turn()
        turn.begin(nil, now: TurnTests.moment(0))
        turn.agentText(item: 1, "hi", now: TurnTests.moment(1))
        turn.agentFinished(.success(()), now: TurnTests.moment(2))
        _ = turn.takeActions()
        turn.storeFailed(1, .failed("disk full"), now: TurnTests.moment(3))
        let actions7 = turn.takeActions().names
        #expect(actions7 == ["release"])
        #expect(turn.transcript.log.isFullyVisible)
        #expect(turn.transcript.log.events.names.last == "error storage_error")
        turn.released()
        let actions8 = turn.takeActions().names
        #expect(actions8 == ["finish failed"])
    }

    /// Found by the property test: the error of the agent was followed by another one of the store.
    @Test func aClientIsToldOfOneErrorOnly() {
        var turn = TurnTests.turn()
        turn.begin(nil, now: TurnTests.moment(0))
        turn.agentEmitted(item: 0, kind: "thread", json: Array(#"{"title":"T"}"#.utf8), now: TurnTests.moment(1))
        turn.agentFinished(.failure(.crashed), now: TurnTests.moment(2))
        turn.storeFailed(1, .failed("disk full"), now: TurnTests.moment(3))
        turn.storeFailed(2, .failed("disk full"), now: TurnTests.moment(3))
        #expect(turn.transcript.log.events.names == ["options", "error agent_crashed"])
        #expect(turn.transcript.log.isFullyVisible)
    }

    @Test func whatRunsBesideTakesAndGivesNoLease() {
        var turn = TurnTests.turn()
        turn.beginBeside(now: TurnTests.moment(0))
        turn.agentEmitted(
            item: 0, kind: "hidden_context", json: Array(#"{"content":1}"#.utf8), now: TurnTests.moment(1))
        let stored = turn.takeActions().names
        #expect(stored == ["wake 120000", "store 1: insert hidden_context_item", "credit 13"])
        turn.stored(1)
        turn.agentFinished(.success(()), now: TurnTests.moment(2))
        let finished = turn.takeActions().names
        #expect(finished == ["finish completed"])
        #expect(turn.transcript.log.events.isEmpty)
    }

    @Test func whatRunsBesideEndsWhenItIsStored() {
        var turn = TurnTests.turn()
        turn.beginBeside(now: TurnTests.moment(0))
        turn.agentEmitted(item: 1, kind: "end_of_turn", json: Array("{}".utf8), now: TurnTests.moment(1))
        turn.agentText(item: 2, "hi", now: TurnTests.moment(1))
        turn.agentFinished(.success(()), now: TurnTests.moment(2))
        let actions = turn.takeActions().names
        #expect(!actions.contains("finish completed"))
        turn.stored(1)
        turn.stored(2)
        let finished = turn.takeActions().names
        #expect(finished == ["finish completed"])
    }

    @Test func answersForAnotherStepOrCallAreIgnored() {
        var turn = TurnTests.turn()
        let agent = DeclarativeAgent(instructions: "", tools: [])
        let tool = ToolDescriptor(
            plugin: "p", name: "t", exposedName: "t", title: "T", description: "", inputSchema: ["type": "object"])
        turn.begin(ModelLoop(agent: agent, offer: ToolOffer([tool])), now: TurnTests.moment(0))
        turn.modelSaid(.text("no"), step: 2, now: TurnTests.moment(1))
        turn.modelSaid(.toolCall(index: 0, id: "a", name: "t", arguments: "{}"), step: 1, now: TurnTests.moment(1))
        turn.modelEnded(.success(ModelEnd(finishReason: "tool_calls")), step: 1, now: TurnTests.moment(2))
        turn.modelSaid(.text("late"), step: 1, now: TurnTests.moment(3))
        turn.modelEnded(.failure(.crashed), step: 1, now: TurnTests.moment(3))
        turn.toolEnded(.success(1), slot: 9, now: TurnTests.moment(3))
        _ = turn.takeActions()
        turn.toolEnded(.success(1), slot: 1, now: TurnTests.moment(4))
        turn.toolEnded(.success(2), slot: 1, now: TurnTests.moment(5))
        turn.toolProgressed("late", slot: 1, now: TurnTests.moment(5))
        let actions = turn.takeActions().names
        #expect(actions == ["ask 2"])
        #expect(
            turn.transcript.log.events.names == [
                "options", "added workflow", "task 0 loading T", "task 0 complete T|1",
            ])
    }
}

extension [Turn.Action] {
    fileprivate var names: [String] {
        map { action in
            switch action {
            case .store(let write, let operations): "store \(write): " + operations.map(\.name).joined(separator: ", ")
            case .release: "release"
            case .checkpoint: "checkpoint"
            case .askModel(let step, _, _, _): "ask \(step)"
            case .callTool(let slot, _, _, _): "call \(slot)"
            case .asked: "asked"
            case .handOver(let agent): "hand over to \(agent)"
            case .cancelWork: "cancel work"
            case .wake(let at): "wake \(at)"
            case .credit(let bytes): "credit \(bytes)"
            case .finish(.failed): "finish failed"
            case .finish(let outcome): "finish \(outcome)"
            }
        }
    }
}

extension StoreOperation {
    fileprivate var name: String {
        switch self {
        case .insertItem(let item, _): "insert \(item.type)"
        case .closeTurn: "close"
        default: "other"
        }
    }
}
