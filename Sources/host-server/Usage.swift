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

        Writing a plugin (docs/writing-a-plugin.md):
          host-server plugins new NAME --lang c|cpp|rust|swift
                                                   makes a folder from which `make` builds a plugin that answers

          host-server plugins check PATH           compares the C functions of a manifest with their headers (compiler: CC)

        Who vouches for a plugin (without a running server):
          host-server plugins keygen FILE          writes a new private key to FILE and shows its public key
          host-server plugins sign --key FILE PATH locks and signs a bundle folder or a single .so
          host-server plugins verify PATH [--policy FILE]
                                                   shows id, SHA-256 and signer; fails if it was changed or is not allowed

        Options (each also an environment variable, and a line in .env):
        \(Configuration.help)

        In chat, an empty line is skipped; "exit", "quit" or the end of input ends it.
        """
    }
}
