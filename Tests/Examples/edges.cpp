// What agent_plugin.hpp and agent_plugin_blocking.h promise when something goes wrong; drive.py says what and looks at what comes of it.
#include <agent_plugin.hpp>
#include <agent_plugin_blocking.h>

using agent_plugin::Error;
using agent_plugin::Event;
using agent_plugin::Host;
using agent_plugin::Json;

struct Edges : agent_plugin::Plugin {
  static constexpr const char *id = "dev.example.edges", *version = "1.0.0";

  Edges(const Host &its_host, Json config) : Plugin(its_host, config) {
    if (config.at("/fail").is_true()) throw std::runtime_error("the constructor does not want to");
    if (ap_blocking_open(&blocking, host.raw()) < 0) throw Error("no blocking");
  }
  ~Edges() override { ap_blocking_close(&blocking); }

  void answer(Turn &turn, const TurnRequest &request) override {
    const std::string text = request.message();
    if (text == "drop") return;
    if (text == "error") throw Error("a text for people");
    if (text == "other") throw 42;
    if (text == "moved and thrown") {
      Turn mine = std::move(turn);
      throw std::runtime_error("thrown by its owner");
    }
    if (text == "later drop") return turn.after(1, [](Turn &, ap_status) {});
    if (text == "later error") return turn.after(1, [](Turn &, ap_status) { throw Error("late, for people"); });
    if (text == "later other") return turn.after(1, [](Turn &, ap_status) { throw 43; });
    if (text == "blocking") return turn.run_blocking([](Turn &) { throw std::out_of_range("deep down"); });
    if (text == "refused") return turn.request("ap.host.kv/1", "no such op", "{}", [](Turn &, const Event &) {});
    if (text == "not listed") return turn.request("ap.host.thread/1", "get", "{}", [](Turn &, const Event &) {});
    if (text == "twice") {
      turn.text("once", 1);
      turn.finish();
      turn.finish();
      return turn.fail("never seen");
    }
    if (text == "after the end") {
      turn.finish();
      turn.text("too late");
    }
    if (text == "on the lane") {  // waiting there would be waiting for oneself
      turn.text(std::to_string(ap_sleep(&blocking, turn.handle(), 1)), 1);
      return turn.finish();
    }
    if (text.rfind("sleep ", 0) == 0) {
      const int64_t ms = std::stol(text.substr(6));
      return turn.run_blocking([this, ms](Turn &later) {
        later.text("sleeping ", 1);
        const ap_status status = ap_sleep(&blocking, later.handle(), ms);
        host.log(AP_LOG_WARN, "woken with " + std::to_string(status));
        if (status == AP_OK) later.text("slept", 1);
        later.finish();
      });
    }
    turn.request(AP_HOST_TOOLS, "call", "{\"name\":" + agent_plugin::quote(text) + ",\"arguments\":{}}", [](Turn &asked, const Event &event) {
      if (!event.is_end()) return;
      asked.text(std::to_string(event.status) + " " + std::string(event.data), 1);
      asked.finish();
    });
  }

  void call(Call &call, const CallRequest &request) override {
    if (request.tool == "for_the_model") throw Error("do it otherwise");
    if (request.tool == "bug") throw std::runtime_error("a secret of the tool");
    call.after(1, [](Call &, ap_status) {});
  }

  void cancelled(ap_handle handle, ap_status why) override { ap_blocking_cancel(&blocking, handle, why); }

  ap_blocking blocking;
};

AGENT_PLUGIN(Edges)
