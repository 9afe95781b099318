"""follow_page.py <page> ... - does what a page tells its reader, to the letter, in a new folder: "```c name.c" and the like write a file, "```sh" is run,
and what it prints must be the "```text" behind it. A line "…" there stands for any lines. With --files only the files are written."""

import os
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.S | re.M)


def fits(expected, printed):
    pattern = "".join(r"(?:.*\n)*?" if line == "…\n" else re.escape(line) for line in expected.splitlines(keepends=True))
    return re.fullmatch(pattern, printed) is not None


def follow(page):
    with open(page, encoding="utf-8") as file:
        blocks = FENCE.findall(file.read())
    ran = 0
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        values = {k: v for k, v in os.environ.items() if not k.startswith(("CHATKIT_DB", "AGENTHOST_CACHE"))}
        values.update(AGENTHOST_CACHE=f"{folder}/cache", CHATKIT_DB_URL="sqlite:///./chatkit.db")
        for index, (language, name, text) in enumerate(blocks):
            if name:
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            elif language == "sh":
                done = subprocess.run(["bash", "-eu", "-c", text], cwd=folder, env=values, capture_output=True, text=True, timeout=300)
                wanted = blocks[index + 1][2] if index + 1 < len(blocks) and blocks[index + 1][0] == "text" else ""
                if done.returncode or done.stderr or not fits(wanted, done.stdout):
                    sys.exit(f"{page}: the commands\n{text}end with {done.returncode} and print\n{done.stdout}{done.stderr}instead of\n{wanted}")
                ran += 1
    if not ran:
        sys.exit(f"{page} has no commands to follow")


for page in sys.argv[1:]:
    follow(page)
