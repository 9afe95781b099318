/// The operator's door: plugins are listed, installed, replaced and taken back while the host runs.
///
/// Every request needs the admin token; without one configured the door is closed. Every change is a line in the log.
struct AdminEndpoint: Endpoint {
    /// What a route does.
    enum Command: String, Sendable, CaseIterable {
        case list, inspect, install, reload, rollback, disable, enable, promote, canary, pin, unpin
    }
    let command: Command
    let plugins: PluginHost
    let authorization: AdminAuthorization
    let log: Logger
    /// Bytes of a request.
    static let bodyLimit = 64 << 10

    func answer(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        do throws(CallerError) {
            try await authorization.check(authorization: request.head.fields.values("Authorization"))
        } catch { throw Refusal(error) }
        switch command {
        case .list:
            let statuses = await plugins.statuses
            return .json(
                JSON.object(
                    JSONObject(members: [
                        ("folders", .array(plugins.configuration.folders.map { .string($0) })),
                        ("plugins", .array(statuses.map { $0.json(isWhole: false) })),
                    ])
                ).encoded)
        case .inspect: return try await status(of: id(request))
        case .install, .reload, .rollback, .disable, .enable, .promote, .canary, .pin, .unpin:
            return try await change(request)
        }
    }

    /// The segment of the path that names the plugin.
    private func id(_ request: EndpointRequest) -> String {
        let segments = request.head.path.split(separator: "/")
        return segments.count > 2 ? String(segments[2]) : ""
    }

    private func status(of id: String) async throws(Refusal) -> Answer {
        if let status = await plugins.status(of: id) { return .json(status.json(isWhole: true).encoded) }
        throw Refusal(.unknownPlugin, "There is no plugin \"\(id.prefix(128))\"; GET /admin/plugins lists them.")
    }

    private func change(_ request: EndpointRequest) async throws(Refusal) -> Answer {
        let body = try await body(request)
        var id = command == .install ? "" : id(request)
        let began = monotonicMilliseconds()
        do throws(PluginCommandError) {
            switch command {
            case .install:
                id = try await plugins.install(
                    staged: try text("staged", in: body), as: try text("name", in: body),
                    percent: try number("canary", in: body, 0...100))
            case .reload: try await plugins.reload(id)
            case .rollback: try await plugins.rollBack(id, to: try number("generation", in: body, 1...Int.max))
            case .disable: try await plugins.disable(id)
            case .enable: try await plugins.enable(id)
            case .promote: try await plugins.promote(id)
            case .canary:
                guard let percent = try number("percent", in: body, 0...100) else {
                    throw AdminEndpoint.missing("percent")
                }
                try await plugins.setPercent(percent, of: id)
            case .pin:
                guard let generation = try number("generation", in: body, 1...Int.max) else {
                    throw AdminEndpoint.missing("generation")
                }
                try await plugins.pin(try text("thread_id", in: body), to: generation, of: id)
            case .unpin: try await plugins.unpin(try text("thread_id", in: body), of: id)
            case .list, .inspect: break
            }
        } catch {
            audit(request, id, error.code.rawValue, began)
            throw Refusal(error)
        }
        audit(request, id, "done", began)
        return try await status(of: id)
    }

    /// One line for each change that was asked for.
    private func audit(_ request: EndpointRequest, _ id: String, _ outcome: String, _ began: Int64) {
        log.info(
            "admin",
            [
                "evt": "admin_audit", "command": .string(command.rawValue), "plugin": .string(id),
                "outcome": .string(outcome), "request_id": .string(request.head.id),
                "duration_ms": .int(monotonicMilliseconds() - began),
            ])
    }

    // MARK: The body

    private func body(_ request: EndpointRequest) async throws(Refusal) -> JSON {
        let bytes: [UInt8]
        do throws(HTTPError) { bytes = try await request.body.collect(upTo: AdminEndpoint.bodyLimit) } catch {
            throw Refusal(error)
        }
        if bytes.isEmpty { return [:] }
        guard let json = try? JSON.parse(bytes, maximumDepth: 8), json.object != nil else {
            throw Refusal(.invalidJSON, "The body must be a JSON object, or empty.")
        }
        return json
    }

    private func text(_ name: String, in body: JSON) throws(PluginCommandError) -> String {
        guard let text = body[name]?.string, !text.isEmpty, text.utf8.count <= 256 else {
            throw AdminEndpoint.missing(name)
        }
        return text
    }

    private func number(_ name: String, in body: JSON, _ range: ClosedRange<Int>) throws(PluginCommandError) -> Int? {
        guard let value = body[name], !value.isNull else { return nil }
        guard let number = value.int.flatMap({ Int(exactly: $0) }), range.contains(number) else {
            throw PluginCommandError(
                code: .invalidRequest,
                sentence: range.upperBound == .max
                    ? "\(name) must be a whole number from \(range.lowerBound)."
                    : "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    private static func missing(_ name: String) -> PluginCommandError {
        PluginCommandError(code: .invalidRequest, sentence: "\(name) is missing or not as it must be.")
    }
}

extension Refusal {
    fileprivate init(_ error: PluginCommandError) {
        let code: ErrorCode =
            switch error.code {
            case .unknownPlugin: .unknownPlugin
            case .pluginRefused: .pluginRefused
            case .pluginConflict: .pluginConflict
            case .invalidRequest: .invalidRequest
            }
        self.init(code, error.sentence)
    }
}

extension Router {
    /// Adds the operator's routes.
    mutating func addAdmin(plugins: PluginHost, authorization: AdminAuthorization, log: Logger) {
        func endpoint(_ command: AdminEndpoint.Command) -> AdminEndpoint {
            AdminEndpoint(command: command, plugins: plugins, authorization: authorization, log: log)
        }
        add("GET", "/admin/plugins", endpoint(.list))
        add("GET", "/admin/plugins/*", endpoint(.inspect))
        add("POST", "/admin/plugins", endpoint(.install))
        for command in AdminEndpoint.Command.allCases where ![.list, .inspect, .install].contains(command) {
            add("POST", "/admin/plugins/*/\(command.rawValue)", endpoint(command))
        }
    }
}
