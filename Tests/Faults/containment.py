"""A plugin in a worker does whatever it must not: its turn ends with an error event that allows a retry, or the deed is refused and the turn
goes on; it answers again; turns of other plugins take as long as without it (reliability.md, promises 15 and 16)."""

import os
import tempfile
import threading
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_healthy, percentile, wait_for

# What ends the worker, what is refused or ends it, what harms nobody, and what never returns.
DEATHS = ["crash", "abort", "exit 3", "_exit", "overflow", "thread", "kill", "orphan", "garbage", "frame", "close"]
REFUSED = ["exec", "trace", "peek", "signal", "open @database", "open /etc/shadow", "connect @port", "forks"]
HARMLESS = ["threads 100", "print", "leak 16", "eat 64"]
ENDLESS = ["loop", "deadlock", "kill stop"]
WITNESSES = 4
PAUSE = 0.02
WINDOW = 2.0
# Of the 99th percentile without anything going on, in the same run.
MOST = 1.5


def rogue(folder, name="Rogue", identity=None, agent=None):
    bundle(folder, name, os.path.join(FIXTURES, "Rogue", "plugin.c"), identity, agent)


class Load:
    """Turns of plugins that do no harm, one after the other in some threads; each time goes to the list that is current."""

    def __init__(self, host, report):
        self.host, self.report = host, report
        self.times = []
        self.is_over = False
        self.threads = [threading.Thread(target=self.run, args=(("echo-c", "echo-in")[number % 2],), daemon=True)
                        for number in range(WITNESSES)]
        for thread in self.threads:
            thread.start()

    def run(self, agent):
        client = self.host.client()
        while not self.is_over:
            times, began = self.times, time.monotonic()
            stream = client.create("hello", agent).read_to_end()
            times.append(time.monotonic() - began)
            self.report.check(stream.answer == "hello" and not stream.error,
                              lambda: f"a turn of {agent} was answered {stream.status} {stream.error} {stream.answer!r}")
            time.sleep(PAUSE)

    def window(self, body):
        """The times of turns while `body` runs."""
        times = self.times = []
        body()
        self.times = []
        return times

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def answers_again(host, report, deed, agent, patience=20.0):
    """Seconds until a message is answered again."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        stream = host.client().create("well", agent).read_to_end()
        if stream.answer == "well":
            return time.monotonic() - began
        time.sleep(0.002)
    report.check(False, f"{deed}: not answered again within {patience} s")
    return patience


def do(host, report, deed, returns, sandboxed, agent="rogue"):
    """One deed, and what comes of it."""
    words = deed.replace("@database", host.database).replace("@port", str(host.port))
    stream = host.client(timeout=60).create(words, agent).read_to_end()
    report.check(stream.status == 200 and stream.is_complete, f"{deed}: answered {stream.status}, complete {stream.is_complete}")
    if stream.error:
        # What harms nobody adds up when it is repeated, until a limit of the plugin ends it.
        codes = ["plugin_limit"] if deed in HARMLESS else ["agent_crashed", "plugin_limit"]
        report.check(stream.error.get("code") in codes and stream.error.get("allow_retry") is True,
                     f"{deed}: ended with {stream.error}")
        returns.append(answers_again(host, report, deed, agent))
        return
    report.check(deed not in DEATHS + ENDLESS, f"{deed}: was answered {stream.answer!r}")
    if sandboxed and deed in REFUSED:
        report.check(stream.answer.startswith("denied"), f"{deed}: was not refused but answered {stream.answer!r}")


def repeat(seconds, body):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        body()
        time.sleep(PAUSE)


def main(products):
    report = Report("containment")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = os.path.join(folder, "plugins")
        trusted = echo_plugins(plugins)
        rogue(plugins)
        host = Host(products, folder, plugins, trusted,
                    {"AGENTHOST_QUARANTINE_CRASHES": "0", "AGENTHOST_RESTART_PAUSE_SECONDS": "0"})
        host.start()
        try:
            report.check(wait_for(lambda: is_healthy(host), 10), "the server is not healthy")
            figures = attack(host, report)
            report.check(host.is_running, "the server has ended")
            named = [line for line in host.log.splitlines() if "started again" in line]
            report.check(all('"plugin":"dev.agenthost.fixture.rogue"' in line for line in named) and len(named) >= len(DEATHS),
                         lambda: f"{len(named)} deaths in the log: {named[:2]}")
            report.check(host.stop() == 0, "the server did not stop as asked")
        finally:
            if host.process and host.is_running:
                host.kill()
    return report.end(figures)


def attack(host, report):
    sandboxed = (host.client().get("/health").json.get("sandbox") or {}).get("state") == "full"
    pid, children = host.pid, len(host.children)
    load = Load(host, report)
    time.sleep(1)
    quiet, harmed, by_deed, returns = [], [], {}, []
    for deed in DEATHS + REFUSED + HARMLESS + ENDLESS:
        quiet += load.window(lambda: time.sleep(WINDOW))
        if deed in ENDLESS:
            times = load.window(lambda: do(host, report, deed, returns, sandboxed))
        else:
            times = load.window(lambda: repeat(WINDOW, lambda: do(host, report, deed, returns, sandboxed)))
        by_deed[deed] = times
        harmed += times
    load.end()
    usual, meanwhile = percentile(quiet, 0.99), percentile(harmed, 0.99)
    report.check(meanwhile <= MOST * usual,
                 f"others' turns take {meanwhile * 1e3:.1f} ms (p99) meanwhile, {usual * 1e3:.1f} ms else")
    report.check(host.pid == pid and wait_for(lambda: len(host.children) == children, 8),
                 lambda: f"{children} workers before, {len(host.children)} after")
    worst = max(by_deed, key=lambda deed: percentile(by_deed[deed], 0.99))
    return (f"{len(by_deed)} deeds, {'with' if sandboxed else 'without'} the whole sandbox, {len(returns)} deaths; answered again after "
            f"ms p50 {percentile(returns, 0.5) * 1e3:.1f}, p99 {percentile(returns, 0.99) * 1e3:.1f}, most {max(returns) * 1e3:.1f}; "
            f"others' turns, {len(quiet)} quiet and {len(harmed)} meanwhile: p50 {percentile(quiet, 0.5) * 1e3:.1f} and "
            f"{percentile(harmed, 0.5) * 1e3:.1f} ms, p99 {usual * 1e3:.1f} and {meanwhile * 1e3:.1f} ms "
            f"(worst {worst}: {percentile(by_deed[worst], 0.99) * 1e3:.1f})")
