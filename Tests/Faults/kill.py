"""kill -9 in a loop under load: what a client has seen is there afterwards, once, unchanged and in order (reliability.md, promises 1-4)."""

import json
import os
import random
import tempfile
import threading
import time

from harness import FIXTURES, Host, Report, bundle, echo_plugins, is_alive, is_healthy, percentile, text_of, wait_for
from ledger import Ledger, check_thread

CLIENTS = 6


def load(host, ledger, report, chance, tag, stopped):
    """One client: turn after turn until the server is gone."""
    client = host.client()
    number = 0
    while not stopped.is_set():
        number += 1
        name = f"{tag}n{number}"
        said = chance.choice([
            f"hello {name} " + "word " * chance.randrange(30), f"slow {chance.randrange(1, 60)} {name}",
            f"slow {chance.randrange(100, 400)} {name}", f"wf {name}", f"kv {name}", f"fail {name}"])
        thread = ledger.some_thread(chance) if chance.random() < 0.5 else None
        agent = chance.choice(["echo-c", "echo-in", "echo-in", "tools-c"])
        if agent == "tools-c":
            said = f'call slow_add {{"a": 1, "b": {number}, "steps": {chance.randrange(20)}}} {name}'
        try:
            stream = client.add(said, thread) if thread else client.create(said, agent)
            stream.read_to_end()
        except OSError:
            return
        # 409: too many wait in this thread; nothing was stored. 0: killed before it answered.
        report.check(stream.status in (200, 0, 409), lambda: f"{said!r} was answered {stream.status}: {stream.body[:200]}")
        if stream.status == 200:
            report.check(not (stream.is_complete and stream.shown), lambda: f"{said!r} ended with an open message")
            ledger.note(thread, agent, said, stream)


def look_at_rest(host, report, older):
    """The database of the dead server: sound, and no turn of an earlier round is open. Answers open turns and texts by message id."""
    database, verdict = host.copy_of_database()
    report.check(verdict == "ok", f"integrity_check: {verdict}")
    rows = database.execute("SELECT id, checkpoint FROM turns").fetchall()
    database.close()
    report.check(not older & {row[0] for row in rows}, "a turn that an earlier kill had interrupted is still open")
    checkpoints = {}
    for _, checkpoint in rows:
        for item in json.loads(checkpoint)["items"] if checkpoint else []:
            checkpoints[item["id"]] = text_of(item)
    return {row[0] for row in rows}, checkpoints


def main(products, rounds=40, seed=None):
    seed = random.randrange(1_000_000) if seed is None else seed
    report, ledger, chance = Report("kill -9"), Ledger(), random.Random(seed)
    figures = dict.fromkeys(["lost", "doubled", "shown", "kept", "must", "again", "starts"], 0)
    recoveries, older = [], set()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        plugins = os.path.join(folder, "plugins")
        bundle(plugins, "ToolsC", os.path.join(FIXTURES, "ToolsC", "plugin.c"))
        host = Host(products, folder, plugins, trusted=echo_plugins(plugins),
                    environment={"AGENTHOST_LOG_LEVEL": "error"}).start()
        try:
            for number in range(rounds):
                stopped = threading.Event()
                clients = [
                    threading.Thread(target=load, args=(
                        host, ledger, report, random.Random(chance.random()), f"r{number}c{index}", stopped), daemon=True)
                    for index in range(CLIENTS)]
                for client in clients:
                    client.start()
                time.sleep(chance.uniform(4, 6) if chance.random() < 0.08 else chance.expovariate(3))
                workers = host.children
                report.check(host.is_running, "the server ended by itself")
                stopped.set()
                ledger.killed_at = time.monotonic()
                host.kill()
                for client in clients:
                    client.join()
                report.check(
                    wait_for(lambda: not any(is_alive(pid) for pid in workers), 2), "a worker outlives its server by 2 s")
                older, checkpoints = look_at_rest(host, report, older)
                if chance.random() < 0.2:
                    kill_starting(host, chance.uniform(0, 0.1))
                    figures["starts"] += 1
                began = time.monotonic()
                host.start()
                report.check(wait_for(lambda: is_healthy(host), 10, 0.001), "not healthy within 10 s of the restart")
                recoveries.append(time.monotonic() - began)
                look_again(host, ledger, report, figures, checkpoints, f"r{number}")
            # What the first rounds had seen has outlived all later ones.
            client = host.client()
            for thread in ledger.agents:
                check_thread(client, ledger, report, figures, thread, {})
            report.check(host.open_turns() == 0, "turns are open although none runs")
            host.stop()
        finally:
            if host.is_running:
                host.kill()
    seen = sum(len(items) for items in ledger.items.values())
    report.check(figures["shown"] > 0 and ledger.finished > 0, "the load reached nothing worth checking")
    return report.end(
        f"{rounds} rounds (in {figures['starts']} once more while it started), seed {seed}; {ledger.turns} turns, "
        f"{ledger.turns - ledger.finished} of them cut, in {len(ledger.agents)} threads; {seen} items seen, {figures['lost']} lost, "
        f"{figures['doubled']} doubled; {figures['shown']} messages cut, {figures['kept']} of them kept, {figures['must']} old enough "
        f"for a checkpoint; healthy again after ms p50 {percentile(recoveries, 0.5) * 1e3:.0f}, "
        f"p99 {percentile(recoveries, 0.99) * 1e3:.0f}, most {max(recoveries) * 1e3:.0f}")


def kill_starting(host, seconds):
    """kill -9 while it recovers what the one before has left."""
    with open(host.log_path, "ab") as log:
        host.process = host.spawn(log)
    time.sleep(seconds)
    host.kill()


def look_again(host, ledger, report, figures, checkpoints, tag):
    """After the restart: every thread of the round is as it was seen, and goes on."""
    client = host.client()
    for thread in ledger.touched:
        check_thread(client, ledger, report, figures, thread, checkpoints)
    for thread in ledger.interrupted:
        figures["again"] += 1
        said = f"again {tag}"
        stream = client.add(said, thread).read_to_end()
        report.check(
            stream.status == 200 and stream.is_complete and said in stream.answer and not stream.error,
            lambda: f"{thread}: a new message was answered {stream.status} {stream.body[:200]} {stream.error}")
        ledger.note(thread, None, said, stream)
    ledger.touched, ledger.interrupted = set(), set()
