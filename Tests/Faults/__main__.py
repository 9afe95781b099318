"""The fault tests (docs/testing.md): python3 Tests/Faults PRODUCTS PART[=SIZE] ... - see scripts/faults.sh."""

import sys


def main(products, parts):
    passed = True
    for part in parts:
        name, _, size = part.partition("=")
        module = __import__(name)
        arguments = [int(number) for number in size.split(",")] if size else []
        passed = module.main(products, *arguments) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
