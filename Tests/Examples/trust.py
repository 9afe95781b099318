"""trust.py <programs> <examples> - keys, signatures and policies with the real program: a folder and a single file are signed, loaded and answer; what is
not allowed, or was changed, is refused with a sentence; --allow-unsigned is loud and uses a worker."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from server import Server


def check(what, condition, seen=None):
    if not condition:
        raise AssertionError(f"{what}: {seen!r}")


def main(programs, examples):
    folder = tempfile.mkdtemp(prefix="trust-")
    plugins = os.path.join(folder, "plugins")

    def plugins_command(*words, status=0):
        done = subprocess.run([f"{programs}/host-server", "plugins", *words], capture_output=True, text=True)
        check(" ".join(words), done.returncode == status, done)
        return done.stdout + done.stderr

    def policy(*entries):
        path = os.path.join(folder, "policy.json")
        with open(path, "w") as file:
            json.dump({"allow": entries}, file)
        return path

    try:
        os.mkdir(plugins)
        shutil.copytree(f"{examples}/HelloC.agentplugin", f"{plugins}/HelloC.agentplugin")
        single = f"{plugins}/HelloCpp.so"
        shutil.copy(f"{examples}/HelloCpp.agentplugin/libHelloCpp.so", single)
        manifest = f"{examples}/HelloCpp.agentplugin/plugin.json"
        subprocess.run(["objcopy", "--add-section", f".agent_plugin={manifest}", single], check=True)
        subprocess.run(["chmod", "-R", "go-w", plugins], check=True)

        key = os.path.join(folder, "key.pem")
        public = plugins_command("keygen", key).split()[-1]
        check("mode of the key", os.stat(key).st_mode & 0o777 == 0o600)
        check("it is not overwritten", "exists already" in plugins_command("keygen", key, status=1))
        # Keys are those of everybody else, too.
        openssl = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], capture_output=True)
        check("openssl reads the key", openssl.returncode == 0 and openssl.stdout[-32:].hex() == public, openssl)

        hello_c = {"id": "dev.agenthost.example.hello-c", "key": public}
        hello_cpp = {"id": "dev.agenthost.example.hello-cpp", "versions": ">=1 <2", "key": public}
        with Server(programs, plugins, "*", {"AGENTHOST_PLUGIN_POLICY": policy(hello_c, hello_cpp)}) as server:
            for file in ("HelloC.agentplugin", "HelloCpp.so"):
                check("refused", server.wait_for_log(f"plugin refused: {file}: it is not signed"), server.log)
        for path in (f"{plugins}/HelloC.agentplugin", single):
            check("signed", f"signed  {public}" in plugins_command("sign", "--key", key, path))
            check("allowed", "allowed by" in plugins_command("verify", path, "--policy", policy(hello_c, hello_cpp)))
        for trusted in ("", "*"):
            with Server(programs, plugins, trusted, {"AGENTHOST_PLUGIN_POLICY": policy(hello_c, hello_cpp)}) as server:
                for agent in ("HelloC", "HelloCpp"):
                    check("answers", server.create("add 2 3", agent).text == "The sum is 5.", server.log)
        with Server(programs, plugins, "*", {"AGENTHOST_PLUGIN_POLICY": policy(hello_cpp)}) as server:
            check("one refused", server.wait_for_log("does not allow the id"), server.log)
            check("the other answers", server.create("hi", "HelloCpp").text == "You said: hi")

        strict = policy(dict(hello_cpp, versions=">=2"))
        with Server(programs, plugins, "*", {"AGENTHOST_PLUGIN_POLICY": strict}, ["--allow-unsigned"]) as server:
            for agent in ("HelloC", "HelloCpp"):
                check("answers", server.create("hi", agent).text == "You said: hi", server.log)
            check("loudly", server.log.count("because of --allow-unsigned") == 2, server.log)
            check("in a worker", server.create("trap", "HelloC").errors[0]["code"] == "agent_crashed" and server.runs)

        with open(f"{plugins}/HelloC.agentplugin/plugin.json", "a") as file:
            file.write(" ")
        with open(single, "r+b") as file:
            file.seek(4096)
            byte = file.read(1)
            file.seek(4096)
            file.write(bytes([byte[0] ^ 1]))
        for arguments in ([], ["--allow-unsigned"]):
            environment = {"AGENTHOST_PLUGIN_POLICY": policy(hello_c, hello_cpp)} if arguments else {}
            with Server(programs, plugins, "", environment, arguments) as server:
                check("what was changed is refused", server.wait_for_log("plugin.json was changed"), server.log)
                check("what was changed is refused", server.wait_for_log("the library was changed after signing"), server.log)
        check("verify says so", "was changed" in plugins_command("verify", single, status=1))

        with open(os.path.join(folder, "policy.json"), "w") as file:
            file.write("{")
        try:
            Server(programs, plugins, "", {"AGENTHOST_PLUGIN_POLICY": file.name}).stop()
            raise AssertionError("a policy that cannot be read must stop the start")
        except RuntimeError as error:
            check("the sentence", "cannot be used: it is not JSON" in str(error), error)
    finally:
        shutil.rmtree(folder)
    print("trust: signed plugins load and answer, everything else is refused")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
