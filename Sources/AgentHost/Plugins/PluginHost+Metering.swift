extension PluginHost {
    /// What the loaded generations of all plugins have used, sorted by plugin and generation.
    var metering: [PluginMetering] { slots.keys.sorted().flatMap { metering(of: $0) } }

    /// What the loaded generations of a plugin have used, the oldest first; empty when there is none.
    func metering(of plugin: String) -> [PluginMetering] {
        (slots[plugin]?.live ?? [:]).sorted { $0.key < $1.key }.map { $0.value.instance.metering(generation: $0.key) }
    }
}
