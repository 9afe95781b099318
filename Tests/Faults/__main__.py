"""The fault tests (docs/testing.md): python3 Tests/Faults PRODUCTS PART[=SIZE[,SEED]] ... - see scripts/faults.sh."""

import importlib
import signal
import sys


def give_up(number, _):
    """Leaves through the `finally` that ends the server."""
    raise SystemExit("faults: not done in time" if number == signal.SIGALRM else "faults: told to stop")


def main(products, parts):
    passed = True
    for part in parts:
        name, _, size = part.partition("=")
        arguments = [int(number) for number in size.split(",")] if size else []
        # Ten minutes, and four seconds a round where there are rounds.
        signal.alarm(600 + 4 * sum(arguments[:1]))
        passed = importlib.import_module(name).main(products, *arguments) and passed
    signal.alarm(0)
    return 0 if passed else 1


if __name__ == "__main__":
    for ending in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(ending, give_up)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
