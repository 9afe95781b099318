/// A number that operators watch, with its name and labels.
struct Metric: Sendable, Hashable {
    /// How it moves.
    enum Kind: String, Sendable, Hashable { case counter, gauge }

    /// `[a-z_:][a-z0-9_:]*`, with its unit; counters end with `_total`.
    var name: String
    var kind: Kind
    /// One line for people.
    var help: String
    /// In this order.
    var labels: [Label] = []
    var value: Int64
    /// The name in a flat list, where there are no labels; nil: it is not in there.
    var flatName: String?

    struct Label: Sendable, Hashable {
        /// `[a-z_][a-z0-9_]*`
        var name: String
        /// Any text.
        var value: String
    }

    /// A number without labels.
    static func plain(_ name: String, _ kind: Kind, _ value: Int64, _ help: String) -> Metric {
        Metric(name: name, kind: kind, help: help, value: value, flatName: name)
    }
}

extension Metric {
    /// A JSON object, name → integer (`seed-contracts.md` 1.9). What has labels only is left out.
    static func flatJSON(_ metrics: [Metric]) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            for metric in metrics {
                guard let name = metric.flatName else { continue }
                writer.key(escaped: name)
                writer.int(metric.value)
            }
        }
        return writer.bytes
    }

    /// The text format of Prometheus, version 0.0.4. Numbers of one name must stand together.
    static func prometheusText(_ metrics: [Metric]) -> [UInt8] {
        var text = ""
        var last: String?
        for metric in metrics {
            if metric.name != last {
                text += "# HELP \(metric.name) \(escaped(metric.help, quotes: false))\n"
                text += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
                last = metric.name
            }
            let labels = metric.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            text += metric.name + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") + " \(metric.value)\n"
        }
        return Array(text.utf8)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
