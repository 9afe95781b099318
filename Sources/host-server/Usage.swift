internal import AgentHost

/// The text of `--help`.
enum Usage {
    static var text: String {
        """
        host-server \(AgentHost.version): the native host for AI agents

        Usage:
          host-server serve [options]              serves ChatKit clients over HTTP (the default)
          host-server chat AGENT [options] [words] talks to an agent in the terminal; words are the first turn
          host-server plugins COMMAND [options]    looks after the plugins of a running server, see below
          host-server --help | --version

        Plugins (the server and this command need the same CHATKIT_ADMIN_TOKEN; --url names another server, --json prints its answer):
        \(PluginCommands.help)

        Options (each also an environment variable, and a line in .env):
        \(Configuration.help)

        In chat, an empty line is skipped; "exit", "quit" or the end of input ends it.
        """
    }
}
