"""Runs every conversation against the reference and against ours and compares the answers (docs/chatkit-compatibility.md).

    compare.py <host-server> <plugin folder> [conversation ...]

A difference that is not on the list of differences.py fails the run; so does one that is on the list and did not show, and
a conversation of `not_yet` that has come to pass.
"""

import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

import conversations
import differences
from client import Client
from normalise import Normaliser

AGENT = "script-c"


def start(command, **more):
    """The process, and the port that its first line names."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
    line = process.stdout.readline()
    if found := re.search(r"127\.0\.0\.1:(\d+)", line):
        return process, int(found[1])
    process.kill()
    raise SystemExit(f"{command[0]} did not start: {line!r}")


def start_reference(folder):
    # It logs a trace for every refusal.
    log = open(f"{folder}/reference-log", "w")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.py")
    return start([sys.executable, "-B", program], stderr=log)


def start_ours(server, plugins, trusted, folder):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CHATKIT_", "AGENTHOST_"))}
    environment |= {
        "CHATKIT_DB_URL": f"sqlite:///{folder}/chatkit.db",
        "CHATKIT_SERVER_PORT": "0",
        "CHATKIT_DEFAULT_AGENT": AGENT,
        "AGENTHOST_CACHE": f"{folder}/cache",
        "AGENTHOST_PLUGINS": plugins,
        "AGENTHOST_TRUSTED": trusted,
    }
    log = open(f"{folder}/log", "w")
    return start([server, "serve"], env=environment, cwd=folder, stderr=log)


def run(conversation, side, port):
    """The normalised answers, each as (step, kind, content, refused), and what was wrong with their form."""
    client = Client(port, AGENT, f"{conversation.__name__}")
    conversation(client)
    normaliser = Normaliser(side)
    records = [[r.step, r.kind, normaliser.value(r.content), r.refused] for r in client.records]
    return records, normaliser.faults


def text(record):
    return json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).splitlines()


def compare(conversation, ports, used):
    """What differs, as lines to print."""
    try:
        theirs, faults = run(conversation, "reference", ports["reference"])
    except Exception as error:
        raise SystemExit(f"{conversation.__name__} does not work with the reference: {error!r}")
    try:
        ours, own_faults = run(conversation, "ours", ports["ours"])
    except Exception as error:
        return [f"the conversation broke off: {error!r}"]
    lines = faults + own_faults
    if [r[0] for r in theirs] != [r[0] for r in ours]:
        return [*lines, "the steps are not the same"]
    expected = differences.apply(conversation.__name__, theirs, used)
    for number, (theirs, ours) in enumerate(zip(expected, ours)):
        theirs, ours = text(theirs[1:3]), text(ours[1:3])
        if theirs != ours:
            lines.append(f"step {number + 1}:")
            lines += difflib.unified_diff(theirs, ours, "reference, with the listed differences", "ours", lineterm="", n=4)
    return lines


def main():
    server, plugins, *names = sys.argv[1:]
    every = conversations.every()
    chosen = [c for c in every if not names or c.__name__ in names]
    unknown = set(differences.not_yet) - {c.__name__ for c in every}
    failures = [f"not_yet names a conversation that is not there: {name}" for name in sorted(unknown)]
    used = set()
    for trusted in ["", "*"]:
        with tempfile.TemporaryDirectory() as folder:
            reference, reference_port = start_reference(folder)
            ours, port = start_ours(os.path.abspath(server), os.path.abspath(plugins), trusted, folder)
            try:
                for conversation in chosen:
                    lines = compare(conversation, {"reference": reference_port, "ours": port}, used)
                    waits = conversation.__name__ in differences.not_yet
                    if lines and not waits:
                        failures.append("\n".join([f"{conversation.__name__} (trusted='{trusted}')", *lines]))
                    elif waits and not lines:
                        failures.append(f"{conversation.__name__} works now: take it off the list of what is not there yet")
            finally:
                for process in (reference, ours):
                    process.terminate()
                    process.wait(20)
            if ours.returncode:
                failures.append(f"our server ended with {ours.returncode}")
    if not names:
        failures += [f"{name} is on the list of differences, but does not show" for name in differences.visible() - used]
    for failure in failures:
        print(failure, file=sys.stderr)
    waiting = len(differences.not_yet)
    print(f"{len(chosen)} conversations in both plugin modes, {len(used)} listed differences, {waiting} not yet, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
