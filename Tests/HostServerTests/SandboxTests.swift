import Foundation
import Testing

/// A plugin that tries to get out of its worker (`docs/sandbox.md`). Each attempt and what became of it is printed.
@Suite(.serialized)
struct SandboxTests {
    /// Folders with the fixture that tries, and with another plugin whose private copy lies beside its own.
    private static let plugins = [
        ServerProcess.products.appendingPathComponent("fixtures/sandbox"),
        ServerProcess.products.appendingPathComponent("fixtures"),
    ]

    private func serve(
        _ environment: [String: String] = [:], without parts: [String] = [], arguments: [String] = []
    ) throws -> ServerProcess {
        var environment = environment
        if !parts.isEmpty { environment["AGENTHOST_WORKER"] = try Self.worker(without: parts) }
        return try ServerProcess(plugins: Self.plugins, environment: environment, arguments: arguments)
    }

    /// A worker program that behaves as on a kernel without these parts.
    private static func worker(without parts: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "worker-\(parts.joined(separator: "-"))")
        let program = ServerProcess.products.appendingPathComponent("plugin-worker").path
        let switches = parts.map { "--without=\($0)" }.joined(separator: " ")
        try "#!/bin/sh\nexec '\(program)' \(switches) \"$@\"\n".write(to: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.path)
        return path.path
    }

    /// Whether the worker program is built with a sanitizer: then memory has no limit (`docs/sandbox.md`).
    private static func isSanitized() throws -> Bool {
        let process = Process()
        let output = Pipe()
        process.executableURL = ServerProcess.products.appendingPathComponent("plugin-worker")
        process.arguments = ["--probe"]
        process.standardOutput = output
        try process.run()
        let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(answer.contains("\"landlock\":"))
        return answer.contains("\"sanitized\":true")
    }

    /// What the plugin says about one attempt; "ended" when its worker did not survive it.
    private func attempt(_ words: String, _ server: ServerProcess, wall: String = "all walls") throws -> String {
        let response = try server.client().create(words, agent: "sandbox-c")
        #expect(response.isComplete, "\(words)")
        let text = response.events.last?.type == "error" ? "ended" : response.texts.joined()
        let shown = words.count > 60 ? "\(words.prefix(40))…\(words.suffix(16))" : words
        print("sandbox, \(wall): \(shown) -> \(text)")
        return text
    }

    /// Waits until the plugin answers again after its worker was ended.
    private func waitUntilItAnswers(_ server: ServerProcess) throws {
        for _ in 0..<200 {
            if try server.client().create("start_thread", agent: "sandbox-c").texts == ["ok"] { return }
            usleep(50_000)
        }
        Issue.record("the worker did not come back")
    }

    /// The private copy of a bundle that holds this file.
    private func privateCopy(with file: String, _ server: ServerProcess) throws -> String {
        let cache = server.folder.appendingPathComponent("cache").path
        let folder = try FileManager.default.contentsOfDirectory(atPath: cache).first {
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(cache)/\($0)")) ?? []).contains {
                $0.hasPrefix(file)
            }
        }
        return "\(cache)/\(try #require(folder))"
    }

    // MARK: All walls

    @Test func whatAPluginMayDo() throws {
        let server = try serve()
        for (words, answer) in [
            ("read_asset", "ok An asset of SandboxC.."), ("read_asset plugin.json", "ok"), ("start_thread", "ok"),
            ("signal_self", "ok"), ("stream_pair", "ok"), ("read_file /dev/null", "ok"),
            ("read_file /proc/self/maps", "ok"),
            ("allocate 64", "ok"),
        ] {
            #expect(try attempt(words, server).hasPrefix(answer), "\(words)")
        }
    }

    @Test func theNetworkIsOutOfReach() throws {
        let server = try serve()
        for words in ["tcp_connect \(server.port)", "tcp_bind", "udp", "unix_socket", "netlink", "datagram_pair"] {
            #expect(try attempt(words, server) == "EACCES", "\(words)")
        }
        #expect(server.waitForLog("the sandbox refused the system call socket with EACCES"))
    }

    @Test func filesAreOutOfReach() throws {
        let server = try serve()
        let other = try privateCopy(with: "libechoc", server)
        let own = try privateCopy(with: "libsandboxc", server)
        for path in [
            "\(server.folder.path)/chatkit.db", "\(server.folder.path)/chatkit.db-wal", "/etc/passwd", "/etc/hostname",
            "/proc/\(server.pid)/environ", "/proc/\(server.pid)/mem", "/proc/\(server.pid)/maps",
            "/proc/\(server.pid)/cmdline",
            "/proc/self/environ", "/proc/self/mem", "/proc/1/environ", "\(other)/plugin.json",
            "\(own)/../\((other as NSString).lastPathComponent)/plugin.json", "/proc/self/root/etc/passwd", "/dev/mem",
        ] {
            #expect(try ["EACCES", "ENOENT"].contains(attempt("read_file \(path)", server)), "\(path)")
        }
        for words in [
            "create_file /tmp/agenthost-sandbox", "create_file /dev/shm/agenthost-sandbox", "create_file \(own)/new",
            "open_for_writing /dev/null", "open_for_writing \(server.folder.path)/chatkit.db", "write_own",
            "truncate_own",
            "chmod_own", "chown_own", "utime_own", "xattr_own", "rename_own", "link_own",
            "unlink_nothing \(own)/plugin.json",
            "make_folder \(own)/new", "make_symlink \(own)/new", "shared_memory",
        ] {
            #expect(try attempt(words, server) == "EACCES", "\(words)")
        }
        for words in ["system_v_memory", "watch_files"] { #expect(try attempt(words, server) == "EPERM", "\(words)") }
        #expect(!FileManager.default.fileExists(atPath: "/tmp/agenthost-sandbox"))
        #expect(try attempt("read_asset", server).hasPrefix("ok An asset"))
    }

    @Test func otherProcessesAndProgramsAreOutOfReach() throws {
        let server = try serve()
        for words in [
            "do_fork", "raw_fork", "spawn", "exec", "trace \(server.pid)", "read_memory \(server.pid)",
            "send_signal \(server.pid)", "send_signal_to_group", "send_signal_to_thread \(server.pid)",
            "send_signal_by_tkill \(server.pid)", "queue_signal \(server.pid)", "process_descriptor \(server.pid)",
            "set_limits \(server.pid)", "set_limits 0", "raise_limits", "own_descriptor \(server.pid)",
            "set_priority \(server.pid)",
            "set_affinity \(server.pid)", "be_dumpable", "new_session", "new_group",
        ] {
            #expect(try attempt(words, server) == "EPERM", "\(words)")
        }
        #if arch(x86_64)
            for words in ["fork_call", "vfork_call"] { #expect(try attempt(words, server) == "EPERM", "\(words)") }
        #endif
        #expect(try attempt("memfd", server) == "EACCES")
        #expect(try attempt("clone3_call", server) == "ENOSYS")
        #expect(server.isRunning)
    }

    @Test func theKernelIsOutOfReach() throws {
        let server = try serve()
        for words in [
            "unshare_files", "unshare_user", "set_namespace", "mount_something", "change_root", "io_uring", "bpf",
            "perf",
            "keys", "page_faults", "open_by_handle", "load_module", "change_personality", "become_root",
            "set_capabilities",
            "set_clock", "own_filter",
        ] {
            #expect(try attempt(words, server) == "EPERM", "\(words)")
        }
        for words in ["open_how", "not_yet_invented"] { #expect(try attempt(words, server) == "ENOSYS", "\(words)") }
    }

    @Test func limitsHold() throws {
        let server = try serve()
        let descriptors = try attempt("descriptors", server)
        #expect(descriptors == "EMFILE")
        #expect(try attempt("allocate 48", server) == "ok")
        if try !Self.isSanitized() { #expect(try attempt("allocate 1024", server) == "ENOMEM") }
        #expect(try attempt("start_thread", server) == "ok")
    }

    @Test func whatEndsTheWorkerEndsOnlyTheWorker() throws {
        let server = try serve()
        var deadly = ["close_all"]
        #if arch(x86_64)
            deadly += ["call_32_bit", "call_x32"]
        #endif
        for words in deadly {
            #expect(try attempt(words, server) == "ended", "\(words)")
            try waitUntilItAnswers(server)
        }
        #if arch(x86_64)
            #expect(server.waitForLog("was ended by SIGSYS: it made a system call that the sandbox forbids"))
        #endif
        #expect(server.isRunning)
    }

    /// Lines, garbage and floods on stdout become log lines that say who printed them, and no more than that.
    @Test func whatIsPrintedCannotForgeLogLines() throws {
        let server = try serve()
        for words in ["print_forged", "print_binary", "print_much", "read_asset"] {
            #expect(try attempt(words, server).hasPrefix("ok"), "\(words)")
        }
        #expect(server.waitForLog("plugin output dropped"))
        #expect(server.waitForLog("forged"))
        server.stop()
        let lines = server.log.split(separator: "\n")
        var printed = 0
        for line in lines {
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
            #expect(json["msg"] as? String != "forged")
            guard json["msg"] as? String == "plugin output" else { continue }
            printed += 1
            #expect(Set(json.keys).isSubset(of: ["ts", "level", "msg", "plugin", "generation", "line"]))
            #expect(
                json["plugin"] as? String == "dev.agenthost.fixture.sandbox-c" && json["level"] as? String == "info")
            #expect((json["line"] as? String ?? "").utf8.count <= 3 * 8_192)
        }
        #expect(printed > 100 && printed < 20_000)
    }

    // MARK: Less than all walls

    /// Without a sandbox the same attempts work: so it is the sandbox that stops them.
    @Test func withoutASandboxTheyWork() throws {
        let server = try serve(["AGENTHOST_SANDBOX": "off"])
        for words in [
            "read_file /etc/passwd", "read_file \(server.folder.path)/chatkit.db", "tcp_connect \(server.port)",
            "tcp_bind",
            "datagram_pair", "do_fork", "spawn", "memfd", "send_signal \(server.pid)", "own_descriptor \(server.pid)",
            "open_for_writing /dev/null", "chmod_own", "set_affinity \(server.pid)", "be_dumpable", "allocate 1024",
            "watch_files",
        ] where words != "memfd" {
            #expect(try attempt(words, server, wall: "none").hasPrefix("ok"), "\(words)")
        }
        #expect(server.log.contains("plugins in workers run without a sandbox"))
        #expect(try health(server)["state"] as? String == "off")
    }

    /// Each wall alone stops what both stand against.
    @Test(arguments: ["landlock", "seccomp"]) func eachWallStandsAlone(missing: String) throws {
        let server = try serve(["AGENTHOST_SANDBOX": "warn"], without: [missing])
        let wall = "without \(missing)"
        for words in [
            "tcp_connect \(server.port)", "tcp_bind", "create_file /tmp/agenthost-sandbox", "write_own", "truncate_own",
            "unlink_nothing /tmp/agenthost-sandbox-none", "make_folder /tmp/agenthost-sandbox-none",
            "trace \(server.pid)",
            "read_memory \(server.pid)",
        ] {
            let answer = try attempt(words, server, wall: wall)
            #expect(!answer.hasPrefix("ok") && answer != "ended", "\(words): \(answer)")
        }
        let reading = try attempt("read_file /etc/passwd", server, wall: wall)
        #expect(
            missing == "seccomp" ? reading == "EACCES" : reading.hasPrefix("ok"), "only Landlock guards what is read")
        if missing == "seccomp" { #expect(try attempt("exec", server, wall: wall) == "EACCES") }
        #expect(server.waitForLog("run without a part of the sandbox: \(missing)"))
        let health = try health(server)
        #expect(health["state"] as? String == "partial")
        let lacks = try #require(health["missing"] as? [[String: Any]])
        #expect(lacks.map { $0["part"] as? String } == [missing])
    }

    /// Other processes of the same user, root aside, can neither trace a worker nor look into it.
    @Test func withAllWallsTheHostSaysSo() throws {
        let server = try serve()
        let health = try health(server)
        #expect(health["state"] as? String == "full")
        #expect(health["policy"] as? String == "require")
        #expect((health["landlock"] as? Int ?? 0) >= 1)
        #expect(server.log.contains("plugins in workers run in the full sandbox"))
    }

    @Test(arguments: ["limits", "privileges", "landlock", "seccomp"])
    func whereAPartIsMissingPluginsAreRefused(part: String) throws {
        let server = try serve(without: [part])
        #expect(server.waitForLog("plugins in workers are refused, the sandbox lacks \(part)"))
        #expect(
            server.log.contains("plugin refused: SandboxC.agentplugin: The sandbox cannot be built: \(part) is missing")
        )
        #expect(server.log.contains("AGENTHOST_SANDBOX=warn"))
        #expect(try health(server)["state"] as? String == "refusing")
        #expect(try server.client().create("read_asset", agent: "sandbox-c").status >= 400)
    }

    @Test func foldersOfTheOperatorCanBeRead() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("read-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try "weights".write(to: folder.appendingPathComponent("model"), atomically: true, encoding: .utf8)
        let server = try serve(["AGENTHOST_SANDBOX_READ": folder.path])
        #expect(try attempt("read_file \(folder.path)/model", server) == "ok weights")
        #expect(try attempt("open_for_writing \(folder.path)/model", server) == "EACCES")
    }

    @Test(arguments: [("sandbox", "perhaps"), ("sandbox-read", "models")])
    func settingsThatMakeNoSenseAreRefused(flag: String, value: String) throws {
        let (status, _, errors) = try runHostServer(["serve", "--port", "0", "--\(flag)", value])
        #expect(status != 0)
        #expect(errors.contains("--\(flag) must be"), "\(errors)")
    }

    @Test(arguments: [
        [], ["3x"], ["-1"], ["999"], ["--probe", "1"], ["1", "--sandbox=perhaps"], ["1", "--memory=-1"],
        ["1", "--threads=0"],
        ["1", "--folder=relative"], ["1", "--read=relative"], ["1", "--runtime=java"], ["1", "--without=everything"],
        ["1", "2"],
        ["1", "--unknown"],
    ])
    func theWorkerRefusesAWrongCommandLine(arguments: [String]) throws {
        let process = Process()
        let errors = Pipe()
        process.executableURL = ServerProcess.products.appendingPathComponent("plugin-worker")
        process.arguments = arguments
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 2)
        #expect(text.contains("usage: plugin-worker"))
    }

    private func health(_ server: ServerProcess) throws -> [String: Any] {
        let json = try server.client().open("GET", "/health", Data()).readToEnd().json
        return try #require(json["sandbox"] as? [String: Any])
    }
}
