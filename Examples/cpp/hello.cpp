// The example plugin in C++17. What it does is the same in all four languages:
//
//   add 2 3     calls its own tool and says what it answered
//   count       counts to 100, one number each 50 ms; press stop
//   widget      shows a widget whose button counts
//   where       asks the page where it is (a client tool), and says it
//   fail        ends the turn with an error that people read
//   throw       a bug: an exception. The turn fails, the log has its text, everything else goes on
//   trap        a worse bug: ends the process. In a worker only this plugin's turns notice
//   (else)      says it again, word by word
#include <agent_plugin.hpp>

#include <algorithm>
#include <cstdlib>
#include <vector>

using agent_plugin::Error;
using agent_plugin::Event;
using agent_plugin::Host;
using agent_plugin::Json;
using agent_plugin::Turn;

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string card(int count) {
  return R"({"type":"Card","children":[{"type":"Text","id":"count","value":"Pressed )" + std::to_string(count) +
         R"( times"},{"type":"Button","label":"Press","onClickAction":{"type":"press","payload":{"count":)" +
         std::to_string(count + 1) + "}}}]}";
}

/// A timer that starts itself again; the turn moves along.
void count(Turn &turn, int counted) {
  turn.text(std::to_string(counted) + " ", 1);
  if (counted == 100) return turn.finish();
  turn.after(50, [counted](Turn &later, ap_status status) {
    if (status == AP_OK) count(later, counted + 1);
  });
}

void add(Turn &turn, const std::string &text) {
  double a = 0, b = 0;
  if (std::sscanf(text.c_str(), "add %lf %lf", &a, &b) != 2) throw Error("Say for example: add 2 3");
  turn.request(AP_HOST_TOOLS, "call", R"({"name":"add","arguments":{"a":)" + number(a) + R"(,"b":)" + number(b) + "}}",
               [](Turn &answered, const Event &event) {
                 if (!event.is_end()) return;
                 if (event.status < 0) return answered.fail(event.data, event.status);
                 char line[64];
                 std::snprintf(line, sizeof line, "The sum is %g.", Json(event.data).at("/sum").number());
                 answered.text(line, 1);
                 answered.finish();
               });
}

void say_again(Turn &turn, const std::string &text) {
  turn.text("You said:", 1);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    turn.text(" " + text.substr(at, end - at), 1);
    at = end + 1;
  }
  turn.finish();
}

}  // namespace

struct Hello : agent_plugin::Plugin {
  static constexpr const char *id = "dev.agenthost.example.hello-cpp", *version = "1.0.0";
  using Plugin::Plugin;

  void answer(Turn &turn, const TurnRequest &request) override {
    if (request.kind == "action") return pressed(turn, request.input.at("/0"));
    if (request.kind == "client_tool_output") {
      const std::string city = request.input.at("/0/output/city").string();
      turn.text("You are in " + (city.empty() ? "a place I do not know" : city) + ".", 1);
      return turn.finish();
    }
    const std::string text = request.message();
    if (text.rfind("add", 0) == 0) return add(turn, text);
    if (text == "count") return count(turn, 1);
    if (text == "fail") throw Error("This went wrong, as you wished.");
    if (text == "throw") return static_cast<void>(std::vector<int>().at(7));
    if (text == "trap") std::abort();
    if (text == "widget") {
      turn.emit("widget", card(0), 1);
    } else if (text == "where") {
      turn.emit("client_tool_call", R"({"name":"get_location","arguments":{}})", 1);
    } else {
      return say_again(turn, text);
    }
    turn.finish();
  }

  void call(Call &call, const CallRequest &request) override {
    const double sum = request.arguments.at("/a").number() + request.arguments.at("/b").number();
    call.finish(R"({"sum":)" + number(sum) + "}");
  }

 private:
  /// The button was pressed: another tree for the same item.
  static void pressed(Turn &turn, Json input) {
    std::string json = R"({"id":)" + std::string(input.at("/item_id").raw());
    json += R"(,"item":{"type":"widget","created_at":)" + std::string(input.at("/item/created_at").raw());
    json += R"(,"widget":)" + card(static_cast<int>(input.at("/action/payload/count").number())) + "}}";
    turn.emit("replace", json);
    turn.finish();
  }
};

AGENT_PLUGIN(Hello)
