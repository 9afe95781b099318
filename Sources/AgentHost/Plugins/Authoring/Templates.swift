/// What `plugins new` writes. `@NAME@` is the plugin's name, `@ID@` its id, `@INCLUDE@` the folder of the headers, `@AGENTHOST@` the Swift
/// package with AgentPluginKit.
enum Templates {
    static let manifest = #"""
        {
          "abi": 1,
          "id": "@ID@",
          "name": "@NAME@",
          "version": "0.1.0",
          "library": "lib@NAME@.so",
          "requires": ["ap.host.turn/1"],
          "uses": ["ap.host.log/1"],
          "agents": [{"id": "@NAME@", "kind": "coded", "title": "@NAME@"}]
        }
        """#

    static let c = #"""
        /* @NAME@: an agent that says again what it is told. */
        #include <agent_plugin.h>
        #include <agent_plugin_json.h>

        struct ap_instance {
          const ap_host_r1 *host;
          const ap_host_turn_r1 *turn;
        };

        static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *request) {
          char *text = ap_json_string(request->input_json, "/0/content/0/text");
          self->turn->text(self->host, turn, 1, ap_text("You said: "));
          self->turn->text(self->host, turn, 1, ap_text(text));
          self->turn->finish(self->host, turn, AP_OK, ap_text(""));
          free(text);
          return AP_OK;
        }

        /* Comes only while a turn waits for something; this one never does. */
        static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) {
          self->turn->finish(self->host, turn, why, ap_text(""));
        }

        static ap_status create(const ap_host_r1 *host, ap_str config_json, ap_instance **out) {
          (void)config_json;
          ap_instance *self = calloc(1, sizeof *self);
          if (!self) return AP_E_LIMIT;
          self->host = host;
          self->turn = host->get_extension(host, AP_HOST_TURN); /* plugin.json requires it */
          *out = self;
          return AP_OK;
        }

        static void destroy(ap_instance *self) { free(self); }

        static const void *get_extension(ap_instance *self, const char *id) {
          static const ap_agent_r1 agent = {.struct_size = sizeof agent, .turn_begin = turn_begin, .turn_cancel = turn_cancel};
          (void)self;
          return strcmp(id, AP_EXT_AGENT) == 0 ? &agent : NULL;
        }

        AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) {
          static const ap_plugin_r1 plugin = {
              .struct_size = sizeof plugin,
              .abi_draft = AP_ABI_DRAFT,
              .id = "@ID@",
              .version = "0.1.0",
              .create = create,
              .destroy = destroy,
              .get_extension = get_extension,
          };
          return &plugin;
        }
        """#

    static let cMakefile = makefile(
        source: "@NAME@.c", uses: "$(wildcard $(INCLUDE)/*.h $(INCLUDE)/agent_plugin/*.h)", variables: include,
        command:
            "$(CC) -std=c11 -O2 -g -Wall -Wextra -fPIC -shared -fvisibility=hidden -I$(INCLUDE) $(CFLAGS) -o $@ @NAME@.c"
    )

    static let cpp = #"""
        // @NAME@: an agent that says again what it is told.
        #include <agent_plugin.hpp>

        struct @NAME@ : agent_plugin::Plugin {
          static constexpr const char *id = "@ID@", *version = "0.1.0";
          using Plugin::Plugin;

          void answer(Turn &turn, const TurnRequest &request) override {
            turn.text("You said: " + request.message());
            turn.finish();
          }
        };

        AGENT_PLUGIN(@NAME@)
        """#

    static let cppMakefile = makefile(
        source: "@NAME@.cpp", uses: "$(wildcard $(INCLUDE)/*.h* $(INCLUDE)/agent_plugin/*.h)", variables: include,
        command:
            "$(CXX) -std=c++17 -O2 -g -Wall -Wextra -fPIC -shared -fvisibility=hidden -fno-gnu-unique -I$(INCLUDE) $(CXXFLAGS) "
            + "-o $@ @NAME@.cpp")

    static let rust = #"""
        //! @NAME@: an agent that says again what it is told.

        mod agent_plugin;

        use agent_plugin::{json, Host, Plugin, Turn, TurnRequest, OK};

        struct Agent;

        impl Plugin for Agent {
            fn create(_host: Host, _configuration: &str) -> Result<Self, String> {
                Ok(Agent)
            }

            fn answer(&self, turn: Turn, request: TurnRequest) {
                let text = json::string(&request.input, "/0/content/0/text").unwrap_or_default();
                let said = turn.text(1, &format!("You said: {}", text));
                turn.finish(said.err().unwrap_or(OK), "");
            }
        }

        export_plugin!(Agent, "@ID@", "0.1.0");
        """#

    static let rustMakefile = makefile(
        source: "@NAME@.rs", uses: "agent_plugin.rs", variables: "RUSTC ?= rustc\n",
        command:
            "$(RUSTC) --edition 2021 --crate-type cdylib --crate-name plugin -C opt-level=2 -C strip=debuginfo $(RUSTFLAGS) -o $@ "
            + "@NAME@.rs")

    static let swiftPackage = #"""
        // swift-tools-version: 6.3
        import PackageDescription

        /// Where AgentHost lies: its checkout, or `<prefix>/share/agenthost` once installed.
        let agentHost = Context.environment["AGENTHOST"] ?? "@AGENTHOST@"

        let package = Package(
            name: "@NAME@",
            products: [.library(name: "@NAME@", type: .dynamic, targets: ["@NAME@"])],
            dependencies: [.package(name: "AgentHost", path: agentHost)],
            targets: [
                .target(
                    name: "@NAME@",
                    dependencies: [
                        .product(name: "AgentPluginKit", package: "AgentHost"),
                        .product(name: "PluginABI", package: "AgentHost"),
                    ])
            ],
            swiftLanguageModes: [.v6]
        )
        """#

    static let swift = #"""
        import AgentPluginKit

        /// An agent that says again what it is told.
        struct EchoPlugin: AgentPlugin {
            static let id = "@ID@"
            static let version = "0.1.0"
            init(host: Host, configuration: JSON) {}

            var agents: [Agent] {
                [
                    Agent("@NAME@") { turn in
                        try await turn.text("You said: \(turn.message ?? "")")
                    }
                ]
            }
        }
        """#

    static let swiftEntry = #"""
        import AgentPluginKit
        import PluginABI

        /// What the host asks the library for: the plugin behind it.
        @c @implementation
        public func ap_plugin_entry_v1() -> UnsafePointer<ap_plugin_r1>? { entry(for: EchoPlugin.self) }
        """#

    static let swiftMakefile = makefile(
        source: "Package.swift $(wildcard Sources/*/*.swift)", uses: "", variables: "BUILD ?= .build\n",
        command: "swift build -c release --product @NAME@ --build-path $(BUILD)\n\tcp $(BUILD)/release/lib@NAME@.so $@")

    private static let include = """
        # Where agent_plugin.h lies; `pkg-config --variable=includedir agent-plugin` says it where the headers are installed.
        INCLUDE ?= @INCLUDE@

        """

    private static func makefile(source: String, uses: String, variables: String, command: String) -> String {
        """
        # make: builds @NAME@.agentplugin. Put that into a plugin folder of the host, or talk to it at once:
        #
        #     host-server chat @NAME@ --plugins .
        \(variables)OUT ?= .
        BUNDLE := $(OUT)/@NAME@.agentplugin

        $(BUNDLE)/lib@NAME@.so: \(source) plugin.json \(uses)
        \tmkdir -p $(BUNDLE)
        \tcp plugin.json $(BUNDLE)/
        \t\(command)

        .PHONY: clean
        clean:
        \trm -rf $(BUNDLE)
        """
    }
}
