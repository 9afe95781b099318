public import PluginABI
internal import Synchronization

/// The table that `ap_plugin_entry_v1` answers. A library holds one plugin; the first call decides which.
///
/// May be called several times, from any thread; the table lives as long as the process.
public func entry<Plugin: AgentPlugin>(for plugin: Plugin.Type) -> UnsafePointer<ap_plugin_r1>? {
    unsafe registration.withLock { registration in
        if registration == nil { registration = Registration(plugin, id: Plugin.id, version: Plugin.version) }
        return unsafe registration?.table
    }
}

/// The plugin of this library and its table. The C functions cannot carry it along, so it is global.
@safe private struct Registration: @unchecked Sendable {
    // Sendable: nothing changes after init.
    let plugin: any AgentPlugin.Type
    let table: UnsafePointer<ap_plugin_r1>

    init(_ plugin: any AgentPlugin.Type, id: String, version: String) {
        self.plugin = plugin
        unsafe table = unsafe immortal(
            ap_plugin_r1(
                struct_size: UInt32(MemoryLayout<ap_plugin_r1>.size),
                abi_draft: UInt32(AP_ABI_DRAFT),
                id: immortalText(id),
                version: immortalText(version),
                create: { unsafe create(host: $0, configuration: $1, out: $2) },
                drain: nil,
                destroy: { instance in
                    let kept = unsafe Unmanaged<Instance>.fromOpaque(UnsafeRawPointer(instance))
                    unsafe kept.takeUnretainedValue().shutDown()
                    unsafe kept.release()
                },
                get_extension: { unsafe extensionTable($1, of: borrow($0)) }))
    }
}

private let registration = Mutex<Registration?>(nil)

private func create(
    host: UnsafePointer<ap_host_r1>, configuration: ap_str, out: UnsafeMutablePointer<OpaquePointer?>
) -> ap_status {
    guard let plugin = registration.withLock({ $0?.plugin }) else { return AP_E_FAILED }
    let tables = unsafe HostTables(host)
    do {
        let configuration = unsafe configuration.len == 0 ? [:] : try JSON.parse(configuration.bytes)
        let instance = try Instance(plugin, tables: tables, configuration: configuration)
        unsafe out.pointee = unsafe OpaquePointer(Unmanaged.passRetained(instance).toOpaque())
        return AP_OK
    } catch {
        Host(tables: tables).complain("The plugin cannot start: \(error)")
        tables.gate.close()
        return AP_E_FAILED
    }
}

/// The object behind what the host passes back. It lives until `destroy`.
private func borrow(_ instance: OpaquePointer) -> Instance {
    unsafe Unmanaged<Instance>.fromOpaque(UnsafeRawPointer(instance)).takeUnretainedValue()
}

private func extensionTable(_ id: UnsafePointer<CChar>, of instance: Instance) -> UnsafeRawPointer? {
    switch unsafe String(cString: id) {
    case AP_EXT_TOOLS where instance.hasTools: unsafe UnsafeRawPointer(Tables.tools)
    case AP_EXT_MODEL where instance.hasModels: unsafe UnsafeRawPointer(Tables.model)
    case AP_EXT_AGENT where instance.hasAgents: unsafe UnsafeRawPointer(Tables.agent)
    case AP_EXT_CONFIG where instance.isReconfigurable: unsafe UnsafeRawPointer(Tables.configuration)
    default: nil
    }
}

/// The tables that plugins offer: the same functions for every instance.
private enum Tables {
    // Unsafe only by type: they are written once, before they are published.
    nonisolated(unsafe) static let tools = unsafe immortal(
        ap_tools_r1(
            struct_size: UInt32(MemoryLayout<ap_tools_r1>.size), flags: 0,
            call_begin: { unsafe borrow($0).call($1, $2.pointee) },
            call_cancel: { instance, call, _ in unsafe borrow(instance).cancel(call) }))

    nonisolated(unsafe) static let model = unsafe immortal(
        ap_model_r1(
            struct_size: UInt32(MemoryLayout<ap_model_r1>.size), flags: 0,
            complete: { instance, call, model, request, _ in
                unsafe borrow(instance).complete(call, model: model.copy, request: request.bytes)
            },
            cancel: { instance, call, _ in unsafe borrow(instance).cancel(call) }))

    nonisolated(unsafe) static let agent = unsafe immortal(
        ap_agent_r1(
            struct_size: UInt32(MemoryLayout<ap_agent_r1>.size), flags: 0,
            turn_begin: { unsafe borrow($0).answer($1, $2.pointee) },
            turn_cancel: { instance, turn, _ in unsafe borrow(instance).cancel(turn) },
            turn_writable: { instance, turn in unsafe borrow(instance).writable(turn) }))

    nonisolated(unsafe) static let configuration = unsafe immortal(
        ap_config_r1(
            struct_size: UInt32(MemoryLayout<ap_config_r1>.size), flags: 0,
            changed: { unsafe borrow($0).reconfigure($1.bytes) }))
}

/// A copy that is never freed, because the host keeps pointers to it.
private func immortal<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    unsafe memory.initialize(to: table)
    return unsafe UnsafePointer(memory)
}

/// NUL-terminated text that is never freed.
private func immortalText(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8CString
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (index, byte) in bytes.enumerated() { unsafe memory[index] = byte }
    return unsafe UnsafePointer(memory)
}
