import Dispatch
import PluginABI
import Synchronization

@testable import AgentPluginKit

extension FakeHost {
    /// What a turn has said.
    struct TurnLog: Sendable {
        var said: [String] = []
        var status: ap_status = 0
        var message = ""
        var finishes = 0
    }

    func log(of turn: ap_handle) -> TurnLog { state.withLock { $0.turns[turn] ?? TurnLog() } }

    /// Waits until the turn's log is as wanted; answers it anyway after 5 s.
    func log(of turn: ap_handle, when isWanted: (TurnLog) -> Bool) async -> TurnLog {
        for _ in 0..<2500 where !isWanted(log(of: turn)) { try? await Task.sleep(for: .milliseconds(2)) }
        return log(of: turn)
    }

    func finishedLog(of turn: ap_handle) async -> TurnLog { await log(of: turn) { $0.finishes > 0 } }

    private func say(_ turn: ap_handle, _ text: String) -> ap_status {
        let whenSlow = state.withLock { state in
            state.turns[turn, default: TurnLog()].said.append(text)
            return state.whenSlow
        }
        guard let whenSlow else { return AP_OK }
        whenSlow(turn)
        return AP_W_SLOW
    }

    static let turnTable = ap_host_turn_r1(
        struct_size: 48, flags: 0,
        text: { host, turn, item, delta in FakeHost.of(host).say(turn, "\(item): \(delta.copy)") },
        emit: { host, turn, item, kind, json in
            kind.copy == "nonsense"
                ? AP_E_UNSUPPORTED : FakeHost.of(host).say(turn, "\(item) \(kind.copy) \(json.copy)")
        },
        item_done: { host, turn, item in FakeHost.of(host).say(turn, "\(item) done") },
        finish: { host, turn, status, message in
            let message = message.copy
            return FakeHost.of(host).state.withLock { state in
                state.turns[turn, default: TurnLog()].status = status
                state.turns[turn, default: TurnLog()].message = message
                state.turns[turn, default: TurnLog()].finishes += 1
                return AP_OK
            }
        },
        state: { _, _ in AP_OK })

    /// Tools: "double" and "broken".
    static let toolsTable = ap_host_service_r1(
        struct_size: 16, flags: 0,
        request: { host, scope, op, json, _, fn, user, out in
            let json = (try? JSON.parse(json.bytes)) ?? .null
            let number = json["arguments"]?["n"]?.int ?? 0
            let answer = Timer(fn: fn, user: user)
            switch (op.copy, json["name"]?.string) {
            case ("list", _):
                FakeHost.of(host).answer(answer, out, [], AP_OK, #"{"tools":[{"name":"double","input_schema":{}}]}"#)
            case ("call", "double"):
                let progress = (AP_EV_PROGRESS, #"{"text":"doubling"}"#)
                FakeHost.of(host).answer(answer, out, [progress], AP_OK, #"{"n":\#(2 * number),"scope":\#(scope)}"#)
            case ("call", "broken"): FakeHost.of(host).answer(answer, out, [], AP_E_FAILED, "it broke")
            default: FakeHost.of(host).answer(answer, out, [], AP_E_NOT_FOUND, "")
            }
            return AP_OK
        })

    /// A thread of five items: "items" answers pages of two at most, "get" its title.
    static let threadTable = ap_host_service_r1(
        struct_size: 16, flags: 0,
        request: { host, _, op, json, _, fn, user, out in
            let json = (try? JSON.parse(json.bytes)) ?? .null
            let answer = Timer(fn: fn, user: user)
            guard op.copy == "items" else {
                FakeHost.of(host).answer(answer, out, [], AP_OK, #"{"id":"thr_1","title":"T"}"#)
                return AP_OK
            }
            let all = json["order"] == "asc" ? Array(1...5) : (1...5).reversed()
            let rest =
                json["after"]?.string.flatMap(Int.init).map { after in all.drop { $0 != after }.dropFirst() }
                ?? all[...]
            let page = rest.prefix(min(2, json["limit"]?.int ?? 0))
            var object = JSONObject()
            object["data"] = .array(page.map { .int($0) })
            object["has_more"] = .bool(page.count < rest.count)
            if page.count < rest.count { object["after"] = page.last.map { .string(String($0)) } }
            FakeHost.of(host).answer(answer, out, [], AP_OK, JSON.object(object).text)
            return AP_OK
        })

    /// A model that says the model's name, in two pieces.
    static let modelTable = ap_host_service_r1(
        struct_size: 16, flags: 0,
        request: { host, _, op, json, _, fn, user, out in
            guard op.copy == "complete", let json = try? JSON.parse(json.bytes) else { return AP_E_INVALID }
            let pieces = ["I am ", json["model"]?.string ?? "nobody"]
            FakeHost.of(host).answer(
                Timer(fn: fn, user: user), out, pieces.map { (AP_EV_DATA, (["text": .string($0)] as JSON).text) },
                AP_OK,
                (["text": .string(pieces.joined()), "finish_reason": "stop"] as JSON).text)
            return AP_OK
        })

    private func answer(
        _ request: Timer, _ out: UnsafeMutablePointer<ap_handle>?, _ events: [(ap_event, String)],
        _ status: ap_status, _ text: String
    ) {
        let handle = newHandle()
        out?.pointee = handle
        FakeHost.lane.async {
            for (event, text) in events { lend(text) { request.fn(request.user, handle, event, AP_OK, $0) } }
            self.end(request, handle, status, text)
        }
    }
}

extension Driver {
    private var agents: UnsafePointer<ap_agent_r1>? {
        plugin.pointee.get_extension?(instance, AP_EXT_AGENT)?.assumingMemoryBound(to: ap_agent_r1.self)
    }

    /// Starts a turn, unless the plugin refuses.
    func beginTurn(
        _ agent: String, input: String = "[]", context: String = "{}", kind: String? = nil
    ) -> (status: ap_status, ap_handle) {
        let handle = host.newHandle(subject: "ann")
        guard let agents else { return (AP_E_UNSUPPORTED, handle) }
        let status = lend(agent) { agent in
            lend(input) { input in
                lend(context) { context in
                    lend(kind ?? "") { given in
                        let none = ap_str(ptr: nil, len: 0)
                        var request = ap_turn_request_r1(
                            struct_size: 112, flags: 0, agent_id: agent, thread_id: none, subject: agent,
                            kind: kind == nil ? agent : given, input_json: input, context_json: context, deadline: 3000)
                        return agents.pointee.turn_begin(instance, handle, &request)
                    }
                }
            }
        }
        return (status, handle)
    }

    func cancelTurn(_ turn: ap_handle) { agents?.pointee.turn_cancel(instance, turn, AP_E_CANCELLED) }

    /// The client has caught up.
    func writable(_ turn: ap_handle) { agents?.pointee.turn_writable?(instance, turn) }

    func change(configuration: String) -> ap_status {
        guard let table = plugin.pointee.get_extension?(instance, AP_EXT_CONFIG) else { return AP_E_UNSUPPORTED }
        return lend(configuration) {
            table.assumingMemoryBound(to: ap_config_r1.self).pointee.changed(instance, $0)
        }
    }
}
