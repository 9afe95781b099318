import AgentHost

ProcessSignals.hold()
exitProcess(HostServer.run(Array(CommandLine.arguments.dropFirst())))
