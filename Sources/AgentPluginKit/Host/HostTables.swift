internal import PluginABI

/// The host's tables, looked up once; the only place that calls them.
///
/// Every function may be called from any thread. After `gate` was closed nothing reaches the host any more and everything
/// answers AP_E_GONE.
@safe final class HostTables: @unchecked Sendable {
    // Sendable: the pointers never change, and the host's functions are [any]. Not owned: they live until `destroy` has
    // returned, and the gate is closed before.
    private let host: UnsafePointer<ap_host_r1>
    private let logTable: UnsafePointer<ap_host_log_r1>?
    private let turnTable: UnsafePointer<ap_host_turn_r1>?
    private let callTable: UnsafePointer<ap_host_call_r1>?
    private let execTable: UnsafePointer<ap_host_exec_r1>?
    private let services: [Service: UnsafePointer<ap_host_service_r1>]
    let gate = Gate()

    /// Services that answer later.
    enum Service: String, CaseIterable {
        case model = "ap.host.model/1"
        case tools = "ap.host.tools/1"
        case store = "ap.host.kv/1"
        case thread = "ap.host.thread/1"
    }

    init(_ host: UnsafePointer<ap_host_r1>) {
        unsafe self.host = unsafe host
        unsafe logTable = unsafe HostTables.table(AP_HOST_LOG, of: host)?.assumingMemoryBound(to: ap_host_log_r1.self)
        unsafe turnTable = unsafe HostTables.table(AP_HOST_TURN, of: host)?.assumingMemoryBound(
            to: ap_host_turn_r1.self)
        unsafe callTable = unsafe HostTables.table(AP_HOST_CALL, of: host)?.assumingMemoryBound(
            to: ap_host_call_r1.self)
        unsafe execTable = unsafe HostTables.table(AP_HOST_EXEC, of: host)?.assumingMemoryBound(
            to: ap_host_exec_r1.self)
        var services: [Service: UnsafePointer<ap_host_service_r1>] = unsafe [:]
        for service in Service.allCases {
            unsafe services[service] = unsafe HostTables.table(service.rawValue, of: host)?
                .assumingMemoryBound(to: ap_host_service_r1.self)
        }
        unsafe self.services = unsafe services
    }

    private static func table(_ id: String, of host: UnsafePointer<ap_host_r1>) -> UnsafeRawPointer? {
        unsafe host.pointee.get_extension(host, id)
    }

    // MARK: Log

    /// Whether the manifest lists the log.
    var hasLog: Bool { unsafe logTable != nil }

    func logs(_ level: Int32) -> Bool {
        gate.enter { unsafe logTable?.pointee.enabled(host, level) ?? false } ?? false
    }

    func log(_ level: Int32, scope: ap_handle, _ message: String, fields: [UInt8]) {
        _ = gate.enter {
            unsafe lend(message) { message in
                unsafe lend(fields) { unsafe logTable?.pointee.log(host, level, scope, message, $0) }
            }
        }
    }

    // MARK: Calls

    func progress(call: ap_handle, _ json: [UInt8]) -> ap_status {
        gate.enter { unsafe lend(json) { unsafe callTable?.pointee.progress(host, call, $0) ?? AP_E_UNSUPPORTED } }
            ?? AP_E_GONE
    }

    func finish(call: ap_handle, _ status: ap_status, _ result: [UInt8]) {
        _ = gate.enter { unsafe lend(result) { unsafe callTable?.pointee.finish(host, call, status, $0) } }
    }

    // MARK: Turns

    func text(turn: ap_handle, item: UInt32, _ delta: String) -> ap_status {
        gate.enter { unsafe lend(delta) { unsafe turnTable?.pointee.text(host, turn, item, $0) ?? AP_E_UNSUPPORTED } }
            ?? AP_E_GONE
    }

    func emit(turn: ap_handle, item: UInt32, kind: String, _ json: [UInt8]) -> ap_status {
        gate.enter {
            unsafe lend(kind) { kind in
                unsafe lend(json) { unsafe turnTable?.pointee.emit(host, turn, item, kind, $0) ?? AP_E_UNSUPPORTED }
            }
        } ?? AP_E_GONE
    }

    func itemDone(turn: ap_handle, item: UInt32) -> ap_status {
        gate.enter { unsafe turnTable?.pointee.item_done(host, turn, item) ?? AP_E_UNSUPPORTED } ?? AP_E_GONE
    }

    func finish(turn: ap_handle, _ status: ap_status, _ message: String) {
        _ = gate.enter { unsafe lend(message) { unsafe turnTable?.pointee.finish(host, turn, status, $0) } }
    }

    // MARK: Time and requests

    /// Milliseconds of the host's monotonic clock; nil if the host offers none.
    func now() -> ap_time? {
        gate.enter { unsafe execTable?.pointee.now(host) } ?? nil
    }

    /// Starts a timer; `fn` is called with `user` if and only if the answer is AP_OK.
    func after(
        _ milliseconds: Int64, scope: ap_handle, _ fn: ap_event_fn, _ user: UnsafeMutableRawPointer
    ) -> (status: ap_status, request: ap_handle) {
        var request: ap_handle = 0
        let status =
            gate.enter {
                unsafe execTable?.pointee.after(host, scope, milliseconds, fn, user, &request) ?? AP_E_UNSUPPORTED
            } ?? AP_E_GONE
        return (status, request)
    }

    /// Starts a request; `fn` is called with `user` if and only if the answer is AP_OK.
    func request(
        _ service: Service, scope: ap_handle, op: String, _ json: [UInt8], _ fn: ap_event_fn,
        _ user: UnsafeMutableRawPointer
    ) -> (status: ap_status, request: ap_handle) {
        guard let table = unsafe services[service] else { return (AP_E_UNSUPPORTED, 0) }
        var request: ap_handle = 0
        let status =
            gate.enter {
                unsafe lend(op) { op in
                    unsafe lend(json) { json in
                        unsafe table.pointee.request(
                            host, scope, op, json, ap_str(ptr: nil, len: 0), fn, user, &request)
                    }
                }
            } ?? AP_E_GONE
        return (status, request)
    }

    func cancel(request: ap_handle) {
        _ = gate.enter { unsafe execTable?.pointee.cancel(host, request) }
    }
}
