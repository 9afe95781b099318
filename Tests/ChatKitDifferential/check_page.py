"""Checks that docs/chatkit-compatibility.md and differences.py list the same; needs no package. With --write, mends the page.

The section of what is not there yet ends the page, and goes when its table is empty.
"""

import pathlib
import sys

import differences

MISSING = "## Not there yet"
PAGE = pathlib.Path(__file__).parents[2] / "docs/chatkit-compatibility.md"


def tables(text):
    """The rows of the page's tables, without their heads."""
    found, lines = [], text.splitlines()
    for index, line in enumerate(lines):
        if line.startswith("|---"):
            end = next((i for i in range(index, len(lines)) if not lines[i].startswith("|")), len(lines))
            found.append((index + 1, end))
    return lines, found


def main():
    text = PAGE.read_text()
    wanted = [rows for rows in differences.page() if rows]
    if "--write" in sys.argv and not differences.not_yet:
        text = text.split(MISSING)[0].rstrip() + "\n"
    lines, places = tables(text)
    if "--write" in sys.argv:
        for (begin, end), rows in reversed(list(zip(places, wanted))):
            lines[begin:end] = rows
        PAGE.write_text("\n".join(lines) + "\n")
        return 0
    if [lines[begin:end] for begin, end in places] == wanted:
        return 0
    print(f"{PAGE.name} and differences.py differ; run Tests/ChatKitDifferential/check_page.py --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
