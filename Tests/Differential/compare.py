#!/usr/bin/env python3
"""Compares our HTTP parser with llhttp (httptools) and h11: compare.py PROGRAM [requests] [seed].

Where ours takes what another refuses, or understands it in another way, the difference must be on the list in differences.py, with its
reason; anything else fails. Where ours refuses what another takes, it is only counted, but a well-formed request must be taken.
"""

import collections
import random
import sys
import time

from differences import explain
from generate import Generator
from readers import h11_, llhttp, ours

BATCH = 5_000


def differences(us, them):
    """Kinds of difference as (kind, detail); `stricter` is not a fault."""
    messages = them.messages
    found = []
    for index, mine in enumerate(us.messages):
        if index >= len(messages):
            if them.end == "refused":
                return found + [("head taken, refused there", them.reason)]
            return found + [("head taken, not seen there", them.end)]
        theirs = messages[index]
        for name in ("method", "target", "version", "fields"):
            if getattr(mine, name) != getattr(theirs, name):
                found.append((f"{name} differs", ""))
        if mine.complete and not theirs.complete:
            if them.end == "upgrade":
                return found + [("upgrade there", "")]
            if them.end == "refused":
                return found + [("body taken, refused there", them.reason)]
            return found + [("message complete, open there", them.end)]
        if theirs.complete and not mine.complete:
            if us.end == "refused":
                return found + [("stricter", us.reason)]
            return found + [("message open, complete there", "")]
        if mine.complete and mine.body != theirs.body:
            found.append(("body differs", ""))
        if mine.complete and mine.keep and not theirs.keep:
            return found + [("kept open, closed there", "")]
        if mine.complete and not mine.keep:
            return found + ([("stricter", "closes")] if theirs.keep else [])
        if them.end == "upgrade" and index == len(messages) - 1:
            return found + [("upgrade there", "")]
    if us.end == "refused":
        if them.end != "refused":
            found.append(("stricter", us.reason))
    elif len(messages) > len(us.messages):
        found.append(("message not seen, seen there", us.end))
    elif us.end == "idle" and them.end == "refused":
        found.append(("idle, refused there", them.reason))
    return found


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    generator = Generator(random.Random(seed))
    began = time.monotonic()
    listed, stricter, faults = collections.Counter(), collections.Counter(), []
    taken = done = 0
    while done < count:
        cases = [generator.case() for _ in range(min(BATCH, count - done))]
        for (request, is_valid), us in zip(cases, ours(program, [request for request, _ in cases])):
            taken += bool(us.messages)
            if is_valid and (us.end not in ("idle", "closed") or not us.messages):
                faults.append(("ours", "well-formed request refused", us.reason, request))
            for name, read in (("llhttp", llhttp), ("h11", h11_)):
                for kind, detail in differences(us, read(request)):
                    if kind == "stricter":
                        stricter[name, detail] += 1
                        continue
                    reason = explain(name, kind, detail, request, us)
                    if reason:
                        listed[name, kind, reason] += 1
                    else:
                        faults.append((name, kind, detail, request))
        done += len(cases)
    seconds = time.monotonic() - began
    print(f"differential: {done} requests (seed {seed}) in {seconds:.0f} s; ours took a head in {taken}")
    for title, counter in (("ours takes or reads otherwise, listed", listed), ("ours is stricter", stricter)):
        print(f"{title}: {sum(counter.values())}")
        for key, number in counter.most_common():
            print(f"  {number:7} {': '.join(key)}")
    kinds = collections.Counter(fault[:3] for fault in faults)
    for key, number in kinds.most_common():
        example = min((fault[3] for fault in faults if fault[:3] == key), key=len)
        print(f"NOT LISTED {number} {': '.join(key)}\n    {example!r}")
    return 1 if faults else 0


sys.exit(main())
