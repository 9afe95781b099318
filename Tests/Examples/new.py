"""new.py <programs> <work folder> - `plugins new` for each language: what it makes builds with one `make` and answers; from a build folder and
installed. The work folder keeps what Swift has built, so that the next run is quick."""

import os
import shutil
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def run(command, folder, **more):
    values = {k: v for k, v in os.environ.items() if not k.startswith(("CHATKIT_", "AGENTHOST"))}
    values.update(AGENTHOST_CACHE=f"{folder}/cache", CHATKIT_DB_URL="sqlite:///./new.db", SWIFT_BACKTRACE="enable=no")
    return subprocess.run(command, cwd=folder, env=values, capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)


def check(what, condition, seen=None):
    if not condition:
        raise AssertionError(f"{what}: {seen}")


def rustc():
    return next((path for path in ("/usr/bin/rustc", shutil.which("rustc")) if path and os.path.exists(path)), None)


def try_out(host_server, folder, languages):
    for language in languages:
        name = f"My_{language}"
        made = run([host_server, "plugins", "new", name, "--lang", language], folder)
        check("made", made.returncode == 0 and f"make -C {name}" in made.stdout, made)
        variables = [f"RUSTC={rustc()}", f"BUILD={folder}/built-{language}"]
        built = run(["make", "-s", "-C", name, *variables], folder)
        check(f"{language} builds", built.returncode == 0, built)
        check("without a warning", "warning:" not in built.stderr + built.stdout, built)
        chat = run([host_server, "chat", name, "--plugins", name, "good", "morning"], folder)
        check(f"{language} answers", chat.stdout == "Agent:\nYou said: good morning\nEnding chat.\n" and not chat.stderr, chat)
        again = run([host_server, "plugins", "new", name, "--lang", language], folder)
        check("nothing is overwritten", again.returncode == 1 and "exists already" in again.stderr, again)


def main(programs, work):
    languages = ["c", "cpp", "rust", "swift"]
    if not rustc():
        print("*** SKIPPED: plugins new --lang rust, because no Rust compiler is installed (apt-get install rustc) ***")
        languages.remove("rust")
    os.makedirs(work, exist_ok=True)
    for entry in os.listdir(work):
        if not entry.startswith("built-"):
            path = f"{work}/{entry}"
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    host_server = f"{programs}/host-server"
    for words, sentence in [
        (["1st", "--lang", "c"], "is no name"), (["../up", "--lang", "c"], "is no name"), (["", "--lang", "c"], "is no name"),
        (["x" * 33, "--lang", "c"], "is no name"), (["Fine", "--lang", "pascal"], "needs a name and --lang"), (["Fine"], "needs a name"),
    ]:
        refused = run([host_server, "plugins", "new", *words], work)
        check(f"{words} is refused", refused.returncode in (1, 2) and sentence in refused.stderr, refused)
    check("nothing was made", all(e.startswith("built-") for e in os.listdir(work)), os.listdir(work))
    try_out(host_server, work, [language for language in languages if language != "swift"])

    # Installed: the program finds headers, worker and plugins by where it lies.
    prefix = f"{work}/prefix"
    installed = subprocess.run(
        ["make", "-s", "install", f"PREFIX={prefix}", f"INSTALLED={programs}"], cwd=ROOT, capture_output=True, text=True)
    check("installs", installed.returncode == 0, installed)
    os.mkdir(f"{work}/installed")
    for entry in os.listdir(work):
        if entry.startswith("built-"):
            os.symlink(f"{work}/{entry}", f"{work}/installed/{entry}")
    os.makedirs(f"{work}/built-swift", exist_ok=True)
    if not os.path.exists(f"{work}/installed/built-swift"):
        os.symlink(f"{work}/built-swift", f"{work}/installed/built-swift")
    try_out(f"{prefix}/bin/host-server", f"{work}/installed", ["c", "swift"])
    with open(f"{work}/installed/My_c/Makefile") as file:
        check("the installed headers are used", f"INCLUDE ?= {prefix}/include" in file.read())
    chat = run([f"{prefix}/bin/host-server", "chat", "TodoTasks", "Add a task to buy groceries"], f"{work}/installed")
    check("the installed plugins answer", "buy groceries" in chat.stdout.lower(), chat)
    print(f"plugins new: {', '.join(languages)} build and answer; installed, too")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
