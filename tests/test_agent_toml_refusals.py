"""The one sentence about each thing that can be wrong in `agent.toml`."""

from __future__ import annotations

import pytest

from hyperhive.agent_fields import ENVIRONMENT_BYTES
from hyperhive.agent_toml import LARGEST, parse
from hyperhive.errors import BadConfig

NAME = "an agent's name, 'manager', 'operator' or '*'"
PATH = (
    "an absolute path such as '/srv/data', of at most 1024 bytes, without '.' or '..' as a part, a '/' too many, "
    "colons, quotes, backslashes or unprintable characters"
)
SIZE = "a size: a whole number of bytes, or of K, M, G or T, such as '4G'"
SHARE = "a share of one processor, such as '50%', or '200%' for two of them"
COUNT = "a whole number above 0, of at most 15 digits"
WHOLE = ", without NUL, of at most 16384 bytes"
COMMAND = "a command: a program and its arguments"
MODEL = "a text of 1 to 200 characters, all of them printable"
TOOL = "a tool's name, such as 'Read', or a name and a rule, such as 'Bash(git *)', of up to 200 characters"
NAMED = "named with letters, digits and '_', and no digit first"
VALUE = "a text without line breaks and control characters other than tabs"
WINDOW = "a number of seconds from 1 to 3600"
APART = "neither at, below nor above"
NO_SETTING = "there is no setting"
TOP = (
    "at the top, before any [table], stand network, restart, auto_update, image, runner, environment, limits, mounts, "
    "mail and health"
)
MOUNT = "[[mounts]]\nsource = '/s'\ntarget = '{}'\n"
WRONG = {
    "a = 1": f", line 1: {NO_SETTING} 'a'; {TOP}",
    '"\\n\\u202e" = 1': f", line 1: {NO_SETTING} '\"\\n\\u202e\"'; {TOP}",
    "[limits]\n\nmemroy = 1": f", line 3: {NO_SETTING} 'limits.memroy'; under [limits] stand memory, cpu and tasks",
    "limits.memroy = 1": f", line 1: {NO_SETTING} 'limits.memroy'; under [limits] stand memory, cpu and tasks",
    "\nmemory = 1": f", line 2: {NO_SETTING} 'memory'; 'memory' belongs under [limits]",
    "[limits]\nimage = 1": f", line 2: {NO_SETTING} 'limits.image'; 'image' belongs at the top, before any [table]",
    "[mounts]\nx = 1": ", line 1: 'mounts' must be an array of tables, each of them under [[mounts]]",
    "[[mounts]]\nx = 1": f", line 2: {NO_SETTING} 'mounts[0].x'; under [[mounts]] stand source, target and writable",
    "[mail.rate]\nmesages = 1":
        f", line 2: {NO_SETTING} 'mail.rate.mesages'; under [mail.rate] stand messages and seconds",
    "[mail]\nto = []": f", line 2: {NO_SETTING} 'mail.to'; under [mail] stand recipients and rate",
    "[runner]\nuser = 1":
        f", line 2: {NO_SETTING} 'runner.user'; under [runner] stand kind, command, model, tools and turn_seconds",
    "[health]\nx.y = 1": f", line 2: {NO_SETTING} 'health.x'; under [health] stand window and command",
    "[[limits]]": ", line 1: 'limits' must be a table",
    "mail = 1979-05-27": ", line 1: 'mail' must be a table",
    "mounts = ['/srv']": ", line 1: 'mounts[0]' must be a table",
    "mounts = [\n{ },\n]": f", line 2: 'mounts[0].source' is missing; it must be {PATH}",
    "\n[mail.rate]\nseconds = 1":
        ", line 2: 'mail.rate.messages' is missing; it must be a whole number from 1 to 10000",
    "network = 'bridge'": ", line 1: 'network' must be 'nat' or 'none' or 'host'",
    "restart = false": ", line 1: 'restart' must be 'no' or 'on-crash'",
    "auto_update = 'yes'": ", line 1: 'auto_update' must be true, false or 'ask'",
    "auto_update = 1": ", line 1: 'auto_update' must be true, false or 'ask'",
    "image = 'tree'": f", line 1: 'image' must be {PATH}",
    "[runner]\nkind = 'shell'": ", line 2: 'runner.kind' must be 'command' or 'claude'",
    "[runner]\ncommand = []": f", line 2: 'runner.command' must be {COMMAND}",
    "[runner]\ncommand = ['']": f", line 2: 'runner.command' must be {COMMAND}{WHOLE}",
    "[runner]\ncommand = ['a', '''b\n''', 1]": f", line 2: 'runner.command' must be {COMMAND}",
    '[runner]\ncommand = "a \\u0000"': f", line 2: 'runner.command' must be {COMMAND}{WHOLE}",
    "[runner]\nmodel = ''": f", line 2: 'runner.model' must be {MODEL}",
    '[runner]\nmodel = "\\u0007"': f", line 2: 'runner.model' must be {MODEL}",
    f"runner.model = '{'m' * 201}'": f", line 1: 'runner.model' must be {MODEL}",
    "[runner]\ntools = 'Read'": ", line 2: 'runner.tools' must be a list of tools, such as 'Read' or 'Bash(git *)'",
    "[runner]\ntools = [\n'Read',\n'rm -rf']": f", line 4: 'runner.tools[1]' must be {TOOL}",
    '[runner]\ntools = ["Bash(a\\nb)"]': f", line 2: 'runner.tools[0]' must be {TOOL}",
    "[runner]\ntools = ['Read,Write']": f", line 2: 'runner.tools[0]' must be {TOOL}",
    "[runner]\ntools = [1]": f", line 2: 'runner.tools[0]' must be {TOOL}",
    f"runner.tools = {['Read'] * 129}": ", line 1: 'runner.tools' must be a list of at most 128 tools",
    "[runner]\nturn_seconds = 0": ", line 2: 'runner.turn_seconds' must be a whole number from 1 to 86400",
    "[runner]\nturn_seconds = 1.5": ", line 2: 'runner.turn_seconds' must be a whole number from 1 to 86400",
    "[runner]\ncommand = 'x'\nkind = 'claude'":
        ", line 2: 'runner.command' must be left out where 'runner.kind' is 'claude'",
    "environment = 'A=1'": ", line 1: 'environment' must be a table of texts",
    "[environment]\nA-B = '1'": f", line 2: 'environment.A-B' must be {NAMED}",
    "[environment]\n1A = '1'": f", line 2: 'environment.1A' must be {NAMED}",
    "environment = {HIVE_X = '1'}":
        ", line 1: 'environment.HIVE_X' must be named otherwise: what begins with HIVE_ is the hive's own",
    "[environment]\nA = 1": f", line 2: 'environment.A' must be {VALUE}",
    "[environment]\nB = 'b'\nA = '''a\n'''": f", line 3: 'environment.A' must be {VALUE}",
    '[environment]\nA = "\\u0000"': f", line 2: 'environment.A' must be {VALUE}",
    '[environment]\nA = "\\r"': f", line 2: 'environment.A' must be {VALUE}",
    '[environment]\nA = "\\u007f"': f", line 2: 'environment.A' must be {VALUE}",
    "[environment]\n'' = ''": f", line 2: 'environment.\"\"' must be {NAMED}",
    "\n[environment]\n" + "".join(f"A{i} = ''\n" for i in range(129)):
        ", line 2: 'environment' must be at most 128 variables",
    f"[environment]\nA = '{'ä' * (ENVIRONMENT_BYTES // 2)}'":
        ", line 1: 'environment' must be at most 32768 bytes, names and values together",
    "[limits]\nmemory = '4 G'": f", line 2: 'limits.memory' must be {SIZE}",
    "[limits]\nmemory = 1e9": f", line 2: 'limits.memory' must be {SIZE}",
    f"[limits]\nmemory = 0x{'f' * 5000}": f", line 2: 'limits.memory' must be {SIZE}",
    "[limits]\nmemory = '15M'": ", line 2: 'limits.memory' must be at least '16M', or nothing can run",
    "[limits]\nmemory = '1025T'": ", line 2: 'limits.memory' must be at most '1024T'",
    "[limits]\ncpu = 2": f", line 2: 'limits.cpu' must be {SHARE}",
    "[limits]\ntasks = 15": ", line 2: 'limits.tasks' must be at least 16, or nothing can run",
    "[limits]\ntasks = '16'": f", line 2: 'limits.tasks' must be {COUNT}",
    "[limits]\ntasks = true": f", line 2: 'limits.tasks' must be {COUNT}",
    "[[mounts]]\nsource = '/a/../b'\ntarget = '/x'": f", line 2: 'mounts[0].source' must be {PATH}",
    MOUNT.format("x"): f", line 3: 'mounts[0].target' must be {PATH}",
    MOUNT.format("/dev"): ", line 3: 'mounts[0].target' must be something in '/dev', not all of it",
    MOUNT.format("/state/x"): f", line 3: 'mounts[0].target' must be {APART} '/state', which is the hive's own",
    MOUNT.format("/lib/x"): ", line 3: 'mounts[0].target' must be outside '/lib', which is the container's own",
    MOUNT.format("/x") + MOUNT.format("/x/y"):
        f", line 6: 'mounts[1].target' must be {APART} the target of 'mounts[0]', '/x'",
    MOUNT.format("/x/y") + MOUNT.format("/x"):
        f", line 6: 'mounts[1].target' must be {APART} the target of 'mounts[0]', '/x/y'",
    MOUNT.format("/x") + "writable = 1": ", line 4: 'mounts[0].writable' must be true or false",
    "".join(MOUNT.format(f"/x{i}") for i in range(33)): ", line 1: 'mounts' must be an array of at most 32 tables",
    "[mail]\nrecipients = 'bob'":
        ", line 2: 'mail.recipients' must be a list of agents' names, 'manager', 'operator' or '*'",
    "[mail]\nrecipients = [\n'bob',\n'Bob']": f", line 4: 'mail.recipients[1]' must be {NAME}",
    "[mail]\nrecipients = ['system']": f", line 2: 'mail.recipients[0]' must be {NAME}",
    "[mail]\nrecipients = [1]": f", line 2: 'mail.recipients[0]' must be {NAME}",
    "[mail]\nrecipients = ['a', 'a']":
        ", line 2: 'mail.recipients[1]' must be another name: 'a' is in the list already",
    f"mail.recipients = {['a'] * 1025}": ", line 1: 'mail.recipients' must be a list of at most 1024 names",
    "mail.rate = {messages = 0, seconds = 1}":
        ", line 1: 'mail.rate.messages' must be a whole number from 1 to 10000",
    "mail.rate = {messages = 1, seconds = 1.0}": ", line 1: 'mail.rate.seconds' must be a whole number from 1 to 86400",
    "[health]\nwindow = 0.9": f", line 2: 'health.window' must be {WINDOW}",
    "[health]\nwindow = nan": f", line 2: 'health.window' must be {WINDOW}",
    "[health]\nwindow = '60'": f", line 2: 'health.window' must be {WINDOW}",
    "[health]\nwindow = true": f", line 2: 'health.window' must be {WINDOW}",
    f"[health]\nwindow = 1{'0' * 400}": f", line 2: 'health.window' must be {WINDOW}",
    "[health]\ncommand = {}": f", line 2: 'health.command' must be {COMMAND}",
    "\n= 1": ", line 2: this is no TOML: Invalid statement",
    "\n\na = 1\na = 2\n": ", line 4: this is no TOML: Cannot overwrite a value",
    "a = '''": ": this is no TOML at its end: Expected \"'''\"",
    "a = ": ": this is no TOML at its end: Invalid value",
    "\n\ufeff": ", line 2: this is no TOML: Invalid statement",
    "# \0": ", line 1: a NUL can stand in no text file",
    "a = " + "9" * 5000: ": a number in it has more digits than any setting takes",
    "\na = " + "[" * 60000: ", line 2: nothing may stand deeper than 16 tables or arrays",
    "#" * (LARGEST + 1): ": it has 65537 bytes; at most 65536 are read",
}  # fmt: skip


@pytest.mark.parametrize("content", WRONG, ids=lambda content: ascii(content[:60]))
def test_what_is_wrong_is_told_with_its_line_and_its_place_and_what_would_be_right(content: str) -> None:
    with pytest.raises(BadConfig) as refused:
        parse(content.encode())
    assert str(refused.value) == f"agent.toml{WRONG[content]}"


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(BadConfig, match=r"^agent\.toml, line 2: this is no UTF-8$"):
        parse(b"# \n# \xff\n")
