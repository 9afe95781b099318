"""A plugin in a worker does whatever it must not: its turn ends with an error event that allows a retry, or the deed is refused and the turn
goes on; it answers again; turns of other plugins take as long as without it (reliability.md, promises 15 and 16)."""

import os
import subprocess
import sys
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
# What a deed leaves behind (freed memory, lines to be logged) is part of it, not of the quiet that follows.
SETTLING = 0.2
# Of the 99th percentile without anything going on, in the same run.
MOST = 1.5


def rogue(folder, name="Rogue", identity=None, agent=None):
    bundle(folder, name, os.path.join(FIXTURES, "Rogue", "plugin.c"), identity, agent)


class Witnesses:
    """Turns of plugins that do no harm, one after the other for each client (witness.py)."""

    def __init__(self, host):
        self.turns = []  # when it began, what it took, what was wrong
        program = os.path.join(os.path.dirname(__file__), "witness.py")
        self.process = subprocess.Popen([sys.executable, "-B", program, str(host.port)] + ["echo-c", "echo-in"] * (WITNESSES // 2),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            began, took, wrong = line.rstrip("\n").split(" ", 2)
            self.turns.append((float(began), float(took), wrong))

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.reader.join()

    def during(self, spans):
        """What turns took that ran, if only in part, while one of the spans did."""
        return [took for began, took, _ in self.turns if any(began + took > start and began < end for start, end in spans)]


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
    witnesses = Witnesses(host)
    time.sleep(1)
    quiet, spans, returns = [], {}, []
    for deed in DEATHS + REFUSED + HARMLESS + ENDLESS:
        began = time.monotonic()
        time.sleep(WINDOW)
        quiet.append((began, time.monotonic()))
        began = time.monotonic()
        if deed in ENDLESS:
            do(host, report, deed, returns, sandboxed)
        else:
            repeat(WINDOW, lambda: do(host, report, deed, returns, sandboxed))
        time.sleep(SETTLING)
        spans[deed] = (began, time.monotonic())
    witnesses.end()
    for _, _, wrong in witnesses.turns:
        report.check(not wrong, wrong)
    by_deed = {deed: witnesses.during([span]) for deed, span in spans.items()}
    quiet, harmed = witnesses.during(quiet), sum(by_deed.values(), [])
    usual, meanwhile = percentile(quiet, 0.99), percentile(harmed, 0.99)
    report.check(meanwhile <= MOST * usual,
                 f"others' turns take {meanwhile * 1e3:.1f} ms (p99) meanwhile, {usual * 1e3:.1f} ms else")
    report.check(host.pid == pid and wait_for(lambda: len(host.children) == children, 8),
                 lambda: f"{children} workers before, {len(host.children)} after")
    if os.environ.get("FAULTS_VERBOSE"):
        for deed, times in by_deed.items():
            print(f"    {deed:16} {len(times):5} turns, p50 {percentile(times, 0.5) * 1e3:.1f}, p99 {percentile(times, 0.99) * 1e3:.1f}, "
                  f"most {max(times) * 1e3:.1f} ms")
    worst = max(by_deed, key=lambda deed: percentile(by_deed[deed], 0.99))
    return (f"{len(by_deed)} deeds, {'with' if sandboxed else 'without'} the whole sandbox, {len(returns)} deaths; answered again after "
            f"ms p50 {percentile(returns, 0.5) * 1e3:.1f}, p99 {percentile(returns, 0.99) * 1e3:.1f}, most {max(returns) * 1e3:.1f}; "
            f"others' turns, {len(quiet)} quiet and {len(harmed)} meanwhile: p50 {percentile(quiet, 0.5) * 1e3:.1f} and "
            f"{percentile(harmed, 0.5) * 1e3:.1f} ms, p99 {usual * 1e3:.1f} and {meanwhile * 1e3:.1f} ms "
            f"(worst {worst}: {percentile(by_deed[worst], 0.99) * 1e3:.1f})")
