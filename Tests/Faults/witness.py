"""Clients that do no harm, in a process of their own, so that what the test itself does keeps no turn of theirs waiting (Python runs one thread
at a time): python3 witness.py PORT AGENT ... - a line for each turn, when it began and what it took in seconds, and what was wrong with it."""

import sys
import threading
import time

from harness import Client

PAUSE = 0.02


def run(port, agent):
    client = Client(port, "witness", 30)
    while True:
        began = time.monotonic()
        stream = client.create("hello", agent).read_to_end()
        took = time.monotonic() - began
        wrong = "" if stream.answer == "hello" and not stream.error else f"{agent}: {stream.status} {stream.error} {stream.answer!r}"
        print(f"{began} {took} {wrong}\n", end="", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    for agent in sys.argv[2:]:
        threading.Thread(target=run, args=(int(sys.argv[1]), agent), daemon=True).start()
    sys.stdin.read()  # until whoever started it is gone
