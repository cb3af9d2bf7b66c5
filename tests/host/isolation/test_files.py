"""The files that an agent does not reach: the host's, the image's, and those of other agents."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.host.isolation.den import FORBIDDEN, NOT_THERE, PREFIXES, READ_ONLY, Den


def test_the_hosts_files_are_at_no_path(den: Den) -> None:
    for path in (den.secret, den.hive.state / "broker.sqlite", den.hive.state / "agents/bob/state"):
        assert path.exists()
        assert {den.alice.fails(f"os.stat('{prefix}{path}')") for prefix in PREFIXES} <= NOT_THERE


def test_its_shadow_file_is_not_the_hosts(den: Den) -> None:
    with Path("/etc/shadow").open("a") as file:
        file.write("mallory:of the host's:1::::::\n")
    places = ("/etc/shadow", "/proc/1/root/etc/shadow")
    told = den.alice.do(f"result = [open(place).read() for place in {places} if os.access(place, os.R_OK)]")
    assert all("mallory" not in text for text in told)


def test_another_agents_directory_cant_be_opened_even_by_its_handle(den: Den) -> None:
    handle = _handle(den.hive.state / "agents/bob/state")
    code = f"""
handle = ctypes.create_string_buffer(bytes.fromhex({handle.hex()!r}))
result = os.listdir(kernel(304, os.open('/state', os.O_RDONLY), handle, os.O_RDONLY))
"""
    assert den.alice.fails(code) in FORBIDDEN


def test_what_it_changes_in_its_root_reaches_neither_the_image_nor_another_machine(den: Den) -> None:
    image = Path(os.environ["HYPERHIVE_TEST_HOST_AGENT_IMAGE"])
    for directory in ("/usr/local/bin", "/etc", "/var/tmp"):
        den.alice.fails(f"open('{directory}/mine', 'w').write('x')")  # the agent's own user may not everywhere
        assert not (image / f"{directory}/mine".lstrip("/")).exists()
        assert den.bob.fails(f"os.stat('{directory}/mine')") == "ENOENT"


def test_the_top_of_the_image_cant_be_written(den: Den) -> None:
    assert den.alice.fails("open('/mine', 'w')") in READ_ONLY


def test_a_program_that_becomes_root_is_out_of_other_users_reach_on_the_host(den: Den) -> None:
    den.alice.do("import shutil; shutil.copy('/bin/true', '/state/rise'); os.chmod('/state/rise', 0o6755)")
    program = den.hive.state / "agents/alice/state/rise"
    assert program.stat().st_mode & stat.S_ISUID
    stranger = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    # By way of a shell: setpriv itself still has root's rights when it looks for the program.
    ran = subprocess.run(
        [*stranger, "sh", "-c", 'exec "$0"', str(program)], capture_output=True, text=True, check=False, timeout=30
    )
    assert "Permission denied" in ran.stderr


def test_a_link_that_it_leaves_in_its_directories_leads_the_daemon_nowhere(den: Den) -> None:
    den.alice.do("os.path.lexists('/state/link') or os.symlink('/etc', '/state/link')")
    before = Path("/etc").stat()
    with den.hive.host() as host:
        assert host.ask("restart", name="alice")["ok"]
    den.alice.wait()
    after = Path("/etc").stat()
    assert (after.st_mode, after.st_uid, after.st_ctime_ns) == (before.st_mode, before.st_uid, before.st_ctime_ns)


def _handle(path: Path) -> bytes:
    """The kernel's `struct file_handle` of a path."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer((128).to_bytes(4, sys.byteorder) + bytes(132))
    mount = ctypes.c_int()
    assert libc.name_to_handle_at(-100, str(path).encode(), buffer, ctypes.byref(mount), 0) == 0
    return buffer.raw
