"""A plugin does all the harm it can: its turns end with an error that allows a retry or with the system's refusal, it answers again, the
log and /health name it, and turns of other plugins take at most 1.5 times as long (p99) as in the quiet moments of the same run."""

import os
import tempfile
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_healthy, percentile, wait_for
from load import Load, p99

# What ends or damages the process; the host sees it die, at once or soon.
DEADLY = ["segv", "null", "fpe", "trap", "abort", "exit", "exit0", "_exit0", "kill", "overflow", "later-segv", "thread-segv",
          "garbage", "frame1g", "half", "close"]
# What the system refuses, bounds or lets pass.
GREEDY = ["leak", "memory", "threads", "forks", "descriptors", "stdout"]
# What only the watch over functions that do not return can end: 5 to 10 seconds.
ENDLESS = ["loop", "deadlock", "stop"]
# What must never be done. {port} is the host's, {database} its file.
FORBIDDEN = ["exec", "ptrace", "database {database}", "connect {port}", "listen 0", "write {folder}/villain", "killhost"]
QUIET_SECONDS = 1.5
# Between two deeds of a plugin: still some hundred times as often as a plugin may crash before it is quarantined.
PAUSE = 0.1
MOST_RATIO = 1.5


def main(products, rounds=3):
    report = Report("containment")
    figures = {"again": [], "ratios": [], "deeds": 0, "denied": 0, "errors": 0, "worst": (0, "")}
    deeds = DEADLY + GREEDY + FORBIDDEN + ENDLESS
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = os.path.join(folder, "plugins")
        trusted = echo_plugins(plugins)
        source = os.path.join(FIXTURES, "Villain", "plugin.c")
        for deed in deeds:
            word = deed.split()[0]
            bundle(plugins, f"Villain-{word}", source, identity(word), agent(word))
        host = Host(products, folder, plugins, trusted, environment={
            "AGENTHOST_QUARANTINE_CRASHES": "0", "AGENTHOST_RESTART_PAUSE_SECONDS": "0"}).start()
        try:
            report.check(wait_for(lambda: is_healthy(host), 10), "the server is not healthy")
            pid = host.pid
            for number in range(rounds):
                one_round(host, report, figures, deeds, number)
            report.check(host.is_running and host.pid == pid, "the server has ended")
            report.check(all(word in host.log for word in map(identity, (deed.split()[0] for deed in DEADLY))),
                         "the log does not name every plugin that did harm")
            names = {plugin["id"]: plugin for plugin in host.client().get("/health").json["plugins"]}
            report.check(all(names[identity(deed.split()[0])]["state"] == "serving" for deed in deeds),
                         lambda: f"/health says {names}")
            report.check(wait_for(lambda: "Z" not in host.children.values(), 5), lambda: f"zombies: {host.children}")
            report.check(host.stop() == 0, "the server did not stop as asked")
        finally:
            if host.process and host.is_running:
                host.kill()
    ratio = percentile(figures["ratios"], 0.5)
    report.check(ratio <= MOST_RATIO, f"others' p99 is {ratio:.2f} of undisturbed (median of {figures['ratios']})")
    again = [seconds * 1e3 for seconds in figures["again"]]
    return report.end(
        f"{figures['deeds']} deeds of {len(deeds)} kinds, {figures['errors']} turns ended with an error event, {figures['denied']} deeds "
        f"were refused; others' p99 {ratio:.2f} of undisturbed (rounds: {', '.join(f'{r:.2f}' for r in figures['ratios'])}; worst deed "
        f"{figures['worst'][1]} {figures['worst'][0]:.2f}); death to the next answer {percentile(again, 0.5):.1f} ms (p50), "
        f"{percentile(again, 0.99):.1f} ms (p99)")


def identity(word):
    return f"dev.agenthost.fixture.villain-{word.strip('_')}"


def agent(word):
    return f"villain-{word.strip('_')}"


def one_round(host, report, figures, deeds, number):
    load = Load(host, report, ("echo-c", "echo-in"))
    quiet, disturbed = [], []
    time.sleep(0.5)
    for deed in deeds:
        begin = time.monotonic()
        time.sleep(QUIET_SECONDS)
        middle = time.monotonic()
        while True:
            commit(host, report, figures, deed)
            time.sleep(PAUSE)
            if time.monotonic() - middle >= QUIET_SECONDS:
                break
        end = time.monotonic()
        calm, busy = load.between(begin, middle), load.between(middle, end)
        quiet += calm
        # As many of each deed, or those that take long would be all there is.
        disturbed += busy[:2 * len(calm)]
        if calm and busy and p99(calm) > 0:
            figures["worst"] = max(figures["worst"], (p99(busy) / p99(calm), deed.split()[0]))
    load.stop()
    figures["ratios"].append(p99(disturbed) / p99(quiet))


def commit(host, report, figures, deed):
    """One deed, and the message after it."""
    word = deed.split()[0]
    text = deed.format(port=host.port, database=host.database, folder=host.folder)
    figures["deeds"] += 1
    client = host.client()
    stream = client.create(text, agent(word)).read_to_end()
    report.check(stream.status == 200 and stream.is_complete, f"{word}: answered {stream.status}, complete {stream.is_complete}")
    died = stream.error is not None
    if died:
        figures["errors"] += 1
        report.check(stream.error["code"] == "agent_crashed" and stream.error["allow_retry"] is True, f"{word}: ended with {stream.error}")
    else:
        figures["denied"] += stream.answer.startswith("denied")
        report.check(deed not in DEADLY + ENDLESS, f"{word}: it was answered {stream.answer!r}")
        report.check(deed not in FORBIDDEN or stream.answer.startswith("denied"), f"{word}: it could be done: {stream.answer!r}")
    began = time.monotonic()
    after = client.add("and now", stream.thread).read_to_end()
    if died:
        figures["again"].append(time.monotonic() - began)
    report.check(after.answer == "and now" and not after.error, lambda: f"{word}: the next message ended with {after.status} {after.error}")
