"""What runs in the containers of these tests: a program of nothing but Python, that does what its mail says."""

from __future__ import annotations

# Mail of the operator is {"do": ..., ...}; what came of it goes to the manager, in reply. Mail of others is reported.
# The manager, whose mail is the test's, runs the scripts that it gets by a fifo, which the test makes in its state.
PROGRAM = r"""
import json, os, signal, socket, subprocess, sys, time

print("ready, start", os.environ["HIVE_GENERATION"], flush=True)
while os.environ["HIVE_AGENT"] == "manager":
    while not os.path.exists("outcome"):
        time.sleep(0.02)
    with open("script") as script:
        done = subprocess.run(["sh", "-euc", script.read()], stdout=-1, stderr=-2, text=True, timeout=50)
    with open("outcome", "w") as outcome:
        json.dump([done.returncode, done.stdout], outcome)
if "MUTE" in os.environ:
    signal.pause()
if "DIES" in os.environ:
    sys.exit(7)

def connection():
    while True:
        try:
            hive = socket.socket(socket.AF_UNIX)
            hive.connect(os.environ["HIVE_SOCKET"])
            return hive, hive.makefile("rb")
        except OSError:
            time.sleep(0.02)

def ask(cmd, **fields):
    hive.sendall(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
    answer = answers.readline()
    if not answer:
        raise ConnectionError
    return json.loads(answer)

def do(order):
    what = order.pop("do")
    path = os.path.expanduser(os.path.expandvars(order.get("path", "")))
    if what == "exit":
        ask("status")  # by which the daemon knows that the order was read
        sys.exit(order["status"])
    if what == "ask":
        return ask(**order)
    if what == "say":
        return print(order["text"], flush=True)
    if what == "tell":
        told = {k: v for k, v in os.environ.items() if k[:5] == "HIVE_" or k == "HUE"}
        return {"cwd": os.getcwd(), "uid": os.getuid(), **told}
    if what == "write":
        with open(path, "w") as file:
            return file.write(order["text"])
    if what == "read":
        return open(path).read() if os.path.exists(path) else None
    if what == "ignore":
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
    if what == "leave behind":
        wait = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
        child = subprocess.Popen([sys.executable, "-c", wait], stdout=subprocess.PIPE, start_new_session=True)
        return child.stdout.readline() and None
    if what == "become":
        os.execvp(order["words"][0], order["words"])

hive, answers = connection()
while True:
    try:
        message = ask("recv")
        if message["kind"] == "message" and message["from"] == "operator":
            try:
                came = do(json.loads(message["body"]))
            except OSError as error:
                came = "error: " + error.strerror
            ask("send", to="manager", body=json.dumps(came), in_reply_to=message["id"])
        elif message["kind"] == "message" and message["from"] != "system":
            ask("send", to="manager", body=json.dumps({"from": message["from"], "body": message["body"]}))
    except ConnectionError:
        hive, answers = connection()
"""


def command(python: str) -> list[str]:
    """The command that agents run; `python` is the interpreter as they have it."""
    return [python, "-I", "-S", "-c", PROGRAM]
