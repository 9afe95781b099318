"""drive.py <programs> <examples> - the example plugin in four languages, in workers and in process, driven by HTTP: streamed text, a tool, a
widget and its button, a client tool, a cancel, an error for people, an exception or panic of the author's, and a trap."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

from server import Server, text_of

LANGUAGES = {"C": "HelloC", "C++": "HelloCpp", "Rust": "HelloRust", "Swift": "HelloSwift"}
# What the log says of `throw`. C has no exceptions.
THROWN = {
    "C++": "vector::_M_range_check", "Rust": "no element 7 in a list of 0", "Swift": "Bug()",
}


def check(what, condition, seen=None):
    if not condition:
        raise AssertionError(f"{what}: {seen!r}")


def text(server, agent):
    turn = server.create("one two  three", agent)
    check("text", turn.text in ("You said: one two three", "You said: one two  three"), turn)
    check("it came in pieces", len(turn.deltas) >= 1, turn)
    check("no error", not turn.errors, turn)


def tool(server, agent):
    turn = server.create("add 2 3", agent)
    check("the tool's answer", turn.text == "The sum is 5.", turn)
    more = server.say(turn.thread, "add 1.5 -4")
    check("the tool's answer", more.text == "The sum is -2.5.", more)
    check("what it wants instead", server.say(turn.thread, "add x")[-1].get("message") == "Say for example: add 2 3")


def widget(server, agent):
    turn = server.create("widget", agent)
    (item,) = turn.items("widget")
    check("no press yet", item["widget"]["children"][0]["value"] == "Pressed 0 times", item)
    for pressed in (1, 2):
        action = item["widget"]["children"][1]["onClickAction"]
        params = {"thread_id": turn.thread, "item_id": item["id"], "action": action}
        more = server.stream("threads.custom_action", params)
        check("no error", not more.errors, more)
        (new,) = more.items("widget")
        check("pressed", new["widget"]["children"][0]["value"] == f"Pressed {pressed} times", more)
        check("the same item", (new["id"], new["created_at"]) == (item["id"], item["created_at"]), more)
        item = new
    check("it is stored so", server.items(turn.thread)[1] == item, item)


def client_tool(server, agent):
    turn = server.create("where", agent)
    (call,) = turn.items("client_tool_call")
    check("the call", call["name"] == "get_location" and call["status"] == "pending", call)
    more = server.stream("threads.add_client_tool_output", {"thread_id": turn.thread, "result": {"city": "Rome \"é\" 😀"}})
    check("what the page said", more.text == "You are in Rome \"é\" 😀.", more)


def cancel(server, agent):
    begin = time.monotonic()
    turn = server.create("count", agent, enough=lambda events: len([e for e in events if "update" in e]) >= 3)
    numbers = []
    while True:  # the last reader has left: the turn is cancelled, and what was shown is kept
        kept = text_of(i for i in server.items(turn.thread) if i["type"] == "assistant_message")
        if kept and kept == (numbers[-1] if numbers else None):
            break
        numbers.append(kept)
        time.sleep(0.3)
        check("it ends", time.monotonic() - begin < 30, numbers)
    check("it did not count to the end", 1 <= len(kept.split()) < 100 and kept.startswith("".join(turn.deltas)), kept)
    check("the thread goes on", server.say(turn.thread, "hello").text == "You said: hello")
    check("it was finished once", "broke the contract" not in server.log, server.log[-2000:])


def fail(server, agent):
    turn = server.create("fail", agent)
    (error,) = turn.errors
    check("the sentence", error["message"] == "This went wrong, as you wished.", error)


def throw(server, agent, language):
    turn = server.create("throw", agent)
    if language not in THROWN:
        return
    check("an error", len(turn.errors) == 1, turn)
    check("its message is in the log", server.wait_for_log(THROWN[language]), server.log[-2000:])
    check("the plugin goes on", server.say(turn.thread, "hello").text == "You said: hello")


def trap(server, agent, others):
    turn = server.create("trap", agent)
    check("a failed turn", [e["code"] for e in turn.errors] == ["agent_crashed"], turn)
    for other in others:
        check("others go on", server.create("hello", other).text == "You said: hello")
    end = time.monotonic() + 30
    while True:  # the worker is started again
        again = server.say(turn.thread, "hello")
        if not again.errors:
            break
        check("it comes back", time.monotonic() < end, again)
        time.sleep(0.2)
    check("it is back", again.text == "You said: hello", again)


SPY = r"""
#include <agent_plugin.h>
#include <agent_plugin_json.h>
struct ap_instance { const ap_host_r1 *host; const ap_host_turn_r1 *turn; };
static ap_status turn_begin(ap_instance *self, ap_handle turn, const ap_turn_request_r1 *r) {
  fprintf(stderr, "SPY %.*s %.*s\n", (int)r->kind.len, r->kind.ptr, (int)r->input_json.len, r->input_json.ptr);
  ap_str said = ap_json_find(r->input_json, "/0/content/0/text");
  const char *kind = NULL, *json = "";
  if (ap_equal(said, "\"where\"")) kind = "client_tool_call", json = "{\"name\":\"get_location\",\"arguments\":{}}";
  if (ap_equal(said, "\"widget\"")) kind = "widget", json = "{\"type\":\"Card\",\"children\":[]}";
  if (ap_equal(said, "\"ask\"")) kind = "structured_input",
    json = "{\"inputs\":[{\"id\":\"when\",\"question\":\"When?\",\"options\":[{\"value\":\"today\"}]}]}";
  if (kind) self->turn->emit(self->host, turn, 1, ap_text(kind), ap_text(json));
  self->turn->finish(self->host, turn, AP_OK, ap_text(""));
  return AP_OK;
}
static void turn_cancel(ap_instance *self, ap_handle turn, ap_status why) { self->turn->finish(self->host, turn, why, ap_text("")); }
static ap_status create(const ap_host_r1 *host, ap_str config, ap_instance **out) {
  static ap_instance self;
  (void)config;
  self.host = host;
  self.turn = host->get_extension(host, AP_HOST_TURN);
  *out = &self;
  return AP_OK;
}
static void destroy(ap_instance *self) { (void)self; }
static const void *get_extension(ap_instance *self, const char *id) {
  static const ap_agent_r1 agent = {.struct_size = sizeof agent, .turn_begin = turn_begin, .turn_cancel = turn_cancel};
  (void)self;
  return strcmp(id, AP_EXT_AGENT) ? NULL : &agent;
}
AP_EXPORT const ap_plugin_r1 *ap_plugin_entry_v1(void) {
  static const ap_plugin_r1 plugin = {sizeof plugin, AP_ABI_DRAFT, "dev.example.spy", "1.0.0", create, NULL, destroy, get_extension};
  return &plugin;
}
"""


def kinds_of_turns(programs):
    """What docs/plugin-abi.md shows of each kind of turn is what arrives."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    with open(f"{root}/docs/plugin-abi.md", encoding="utf-8") as page:
        shown = page.read().split("with what comes:\n\n```text\n")[1].split("```")[0].splitlines()
    with tempfile.TemporaryDirectory(prefix="spy-") as folder:
        bundle = f"{folder}/Spy.agentplugin"
        os.mkdir(bundle)
        with open(f"{bundle}/plugin.json", "w") as file:
            json.dump({"abi": 1, "id": "dev.example.spy", "name": "spy", "version": "1.0.0", "library": "libSpy.so",
                       "requires": ["ap.host.turn/1"], "agents": [{"id": "Spy", "kind": "coded", "accepts": ["action", "feedback"]}]}, file)
        compiler = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-xc", "-"]
        subprocess.run([*compiler, f"-I{root}/Sources/PluginABI/include", "-o", f"{bundle}/libSpy.so"], input=SPY, text=True, check=True)
        with Server(programs, folder) as server:
            server.create("hello", "Spy")
            turn = server.create("where", "Spy")
            server.stream("threads.add_client_tool_output", {"thread_id": turn.thread, "result": {"city": "Rome"}})
            turn = server.create("ask", "Spy")
            (item,) = turn.items("structured_input")
            answers = {"answers": {"when": {"values": ["today"]}}}
            server.stream("threads.add_structured_input", {"thread_id": turn.thread, "item_id": item["id"], "input": answers})
            turn = server.create("widget", "Spy")
            (item,) = turn.items("widget")
            action = {"type": "press", "payload": {"count": 1}}
            server.stream("threads.custom_action", {"thread_id": turn.thread, "item_id": item["id"], "action": action})
            server.call("items.feedback", {"thread_id": turn.thread, "item_ids": [item["id"]], "kind": "positive"})
            check("the last one", server.wait_for_log("SPY feedback"), server.log)
            lines = [json.loads(line)["line"][4:] for line in server.log.splitlines() if '"line":"SPY ' in line]
    came = [re.sub(r"\b(msg|thr|tc|call)_[0-9a-f]+", r"\1_1", re.sub(r'"20[0-9T:.-]+Z"', '"…"', line)) for line in lines]
    for line in shown:
        check("docs/plugin-abi.md shows what does not come so", line in came, (line, came))
    print("kinds of turns: they come as docs/plugin-abi.md shows them")


def edges(programs, mode):
    """What agent_plugin.hpp and agent_plugin_blocking.h promise when something goes wrong."""
    here = os.path.dirname(os.path.abspath(__file__))
    tools = ["for_the_model", "bug", "dropped"]
    manifest = {
        "abi": 1, "id": "dev.example.edges", "name": "edges", "version": "1.0.0", "library": "libEdges.so",
        "requires": ["ap.host.turn/1", "ap.host.call/1", "ap.host.exec/1", "ap.host.tools/1", "ap.host.kv/1"], "uses": ["ap.host.log/1"],
        "permissions": {"kv": ["user"]}, "agents": [{"id": "Edges", "kind": "coded", "tools": tools}],
        "tools": [{"name": name, "description": "", "input_schema": {"type": "object"}} for name in tools]}
    with tempfile.TemporaryDirectory(prefix="edges-") as folder:
        bundle = f"{folder}/plugins/Edges.agentplugin"
        os.makedirs(bundle)
        with open(f"{bundle}/plugin.json", "w") as file:
            json.dump(manifest, file)
        compiler = ["c++", "-std=c++17", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread"]
        subprocess.run([*compiler, f"-I{here}/../../Sources/PluginABI/include", "-o", f"{bundle}/libEdges.so", f"{here}/edges.cpp"], check=True)
        trusted = "*" if mode == "in process" else ""
        with Server(programs, f"{folder}/plugins", trusted) as server:
            for text, message, logged in [
                ("drop", None, None), ("error", "a text for people", "answer threw an exception: a text for people"),
                ("other", None, "answer threw an exception: something that is no std::exception"),
                ("moved and thrown", None, "thrown by its owner"), ("later drop", None, None),
                ("later error", "late, for people", "A callback threw an exception: late, for people"),
                ("later other", None, "A callback threw"), ("blocking", None, "Posted work threw an exception: deep down"),
                ("not listed", None, "The manifest must list ap.host.thread/1 in requires or uses."),
            ]:
                turn = server.create(text, "Edges")
                check(text, len(turn.errors) == 1 and (not message or turn.errors[0]["message"] == message), turn)
                check("nothing is told of a bug", "deep" not in str(turn) and "owner" not in str(turn), turn)
                check(text, not logged or server.wait_for_log(logged), server.log[-1500:])
            check("refused", len(server.create("refused", "Edges").errors) == 1)
            check("twice", server.create("twice", "Edges").text == "once")
            check("after the end", not server.create("after the end", "Edges").errors)
            check("for the model", server.create("for_the_model", "Edges").text == "-1 do it otherwise")
            bug = server.create("bug", "Edges")
            check("a bug of a tool", bug.text.startswith("-1 ") and "secret" not in bug.text, bug)
            check("its text is in the log", server.wait_for_log("call threw an exception: a secret of the tool"), server.log[-1500:])
            check("a dropped call", server.create("dropped", "Edges").text.startswith("-1 "))
            check("waiting on a lane", server.create("on the lane", "Edges").text == "-2")
            check("sleeps", server.create("sleep 20", "Edges").text == "sleeping slept")
            server.create("sleep 60000", "Edges", enough=lambda events: "sleeping" in str(events[-1]))
            check("a cancel wakes", server.wait_for_log("woken with -4"), server.log[-1500:])
            check("no fault", "broke the contract" not in server.log, server.log[-2000:])
            check("it runs", server.create("twice", "Edges").text == "once" and server.runs)
        os.mkdir(f"{folder}/config")
        with open(f"{folder}/config/dev.example.edges.json", "w") as file:
            file.write('{"fail": true}')
        with Server(programs, f"{folder}/plugins", trusted, {"AGENTHOST_PLUGIN_CONFIG": f"{folder}/config"}) as server:
            check("refused", server.wait_for_log("plugin refused"), server.log)
            check("the reason", server.wait_for_log("The constructor threw an exception: the constructor does not want to"), server.log)
    print(f"edges of agent_plugin.hpp and agent_plugin_blocking.h, {mode}: as promised")


def units(server):
    """Examples/units: state, and a tool for others."""
    turn = server.create("3 km in miles", "Units")
    check("converts", turn.text == "3 km are 1.86411 miles.", turn)
    check("remembers the units", server.say(turn.thread, "5").text == "5 km are 3.10686 miles.")
    check("temperatures", server.say(turn.thread, "100 c in f").text == "100 c are 212 f.")
    check("says what it knows", server.say(turn.thread, "1 km in parsec")[-1]["message"].startswith("I know m, km"))
    check("what does not fit", server.say(turn.thread, "1 km in kg")[-1]["message"].startswith("These two units"))
    for number in range(6):
        server.say(turn.thread, f"{number} g in kg")
    other = server.create("history", "Units")
    check("the last five", other.text == "".join(f"- {n} g in kg\n" for n in range(1, 6)), other)
    check("forgets", server.say(turn.thread, "forget").text == "Forgotten.")
    check("forgot", server.say(turn.thread, "5").text == "Say for example: 3 km in miles")


def counter(server):
    """Examples/counter: a long tool with progress, and a cancel that reaches it."""
    turn = server.create("count 20 1", "Counter")
    check("counted", turn.text == "Counted to 20.", turn)
    tasks = [e["update"]["task"]["content"] for e in turn if e["type"] == "thread.item.updated" and "task" in e["update"]]
    check("progress", any(" of 20" in t for t in tasks), turn)
    check("the total", server.say(turn.thread, "total").text == "20 steps so far.")
    server.create("count 100000 10", "Counter", enough=lambda events: any("3 of 100000" in str(e) for e in events))
    check("the tool was cancelled", server.wait_for_log('"outcome":"cancelled"'), server.log[-2000:])
    check("and did not count", server.say(turn.thread, "total").text == "20 steps so far.")
    check("no fault", "broke the contract" not in server.log, server.log[-2000:])


def run(programs, examples, mode):
    present = {name: agent for name, agent in LANGUAGES.items() if os.path.isdir(f"{examples}/{agent}.agentplugin")}
    for missing in sorted(set(LANGUAGES) - set(present)):
        check("only Rust may be missing", missing == "Rust", missing)
        print(f"*** SKIPPED: the example in {missing} was not built ***")
    with Server(programs, examples, "*" if mode == "in process" else "") as server:
        for language, agent in present.items():
            try:
                for part in (text, tool, widget, client_tool, cancel, fail):
                    part(server, agent)
                throw(server, agent, language)
                if mode == "worker":
                    trap(server, agent, [a for a in present.values() if a != agent])
            except Exception:
                sys.stderr.write(f"{language} ({mode}):\n{server.log[-3000:]}\n")
                raise
            print(f"example in {language}, {mode}: as it should be")
        for name, part in (("Units", units), ("Counter", counter)):
            if os.path.isdir(f"{examples}/{name}.agentplugin"):
                part(server)
                print(f"example {name}, {mode}: as it should be")
        check("the server still runs", server.runs)
        check("it stops in order", server.stop() == 0)


if __name__ == "__main__":
    kinds_of_turns(os.path.abspath(sys.argv[1]))
    for mode in ("worker", "in process"):
        edges(os.path.abspath(sys.argv[1]), mode)
        run(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), mode)
