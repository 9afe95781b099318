internal import CPlatform

/// Why the server cannot start.
enum ServerError: Error, Sendable, Equatable {
    case addressInUse(host: String, port: Int)
    case notPermitted(host: String, port: Int)
    case addressNotAvailable(host: String)
    case unknownHost(String)
    case portOutOfRange(Int)
    /// What was tried, and the system's error number.
    case system(String, Int32)

    /// For people: what is wrong and what to do.
    var message: String {
        switch self {
        case .addressInUse(let host, let port):
            "Port \(port) on \(host) is in use by another program; stop that one or choose another port."
        case .notPermitted(let host, let port):
            "Listening on \(host):\(port) is not permitted; choose a port from 1024 up."
        case .addressNotAvailable(let host):
            "\(host) is not an address of this machine; use 127.0.0.1 or 0.0.0.0, for example."
        case .unknownHost(let host): "The host name \(host) cannot be resolved."
        case .portOutOfRange(let port): "\(port) is not a port; choose one from 0 to 65535."
        case .system(let action, let error):
            unsafe "\(action): \(String(cString: cplatform_error_text(error)))."
        }
    }

    /// Stable, for machines.
    var code: String {
        switch self {
        case .addressInUse: "address_in_use"
        case .notPermitted: "address_not_permitted"
        case .addressNotAvailable: "address_not_available"
        case .unknownHost: "unknown_host"
        case .portOutOfRange: "port_out_of_range"
        case .system: "system_error"
        }
    }
}
