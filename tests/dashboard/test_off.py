"""A hive without a console: it was switched off, or could not listen. Everything else runs."""

from __future__ import annotations

import os
import re
import socket
import subprocess

import pytest

from hyperhive.config import Config
from tests.daemon.client import PATIENCE
from tests.daemon.conftest import short_lived
from tests.daemon.harness import HIVECTL, Hive, command
from tests.dashboard.console import FREE, Console


def hivectl(hive: Hive, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HIVE_HOST_SOCKET": str(hive.run / "host.sock")}
    return subprocess.run(
        [HIVECTL, *words], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def stays_off(hive: Hive, sentence: str) -> None:
    """Whether the daemon runs, and says that sentence in every place."""
    with hive.host() as host:
        status = host.ask("agent_status")
        assert status["agent_statuses"][0]["running"]
        assert sentence in status["console"]["off"]
        assert host.ask("console_link") == {"version": 1, "ok": False, "error": status["console"]["off"]}
    assert sentence in hivectl(hive, "status").stdout
    refused = hivectl(hive, "dashboard")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert sentence in refused.stderr


def test_by_default_it_is_on_this_machine_alone(hive: Hive) -> None:
    assert Config(state_dir=hive.base, run_dir=hive.base).dashboard == "127.0.0.1:7000"
    hive.start(*FREE)
    console = Console.opened(hive)
    port = int(console.host.rpartition(":")[2])
    assert re.fullmatch(rf"hive-[0-9a-f]{{16}}\.localhost:{port}", console.host)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), PATIENCE)


def test_its_name_stays_over_restarts_and_is_another_hives_never(hive: Hive) -> None:
    names = []
    for _ in range(2):
        daemon = hive.start(*FREE)
        names.append(Console.opened(hive).host.partition(":")[0])
        daemon.terminate()
    with short_lived() as other:
        other.start(*FREE)
        names.append(Console.opened(other).host.partition(":")[0])
    assert names[0] == names[1] != names[2]


def test_a_port_that_is_taken_leaves_everything_else_running(hive: Hive) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        hive.start("--dashboard", place)
        stays_off(hive, f"the console can't listen at {place} ([Errno 98] Address already in use)")
        assert f"the console can't listen at {place}" in hive.daemons[-1].log


def test_it_can_be_switched_off(hive: Hive) -> None:
    hive.start()
    stays_off(hive, "the console was switched off")


@pytest.mark.parametrize("place", ["nonsense:1:2", "256.0.0.1:7000"])
def test_a_place_that_is_none_is_named(hive: Hive, place: str) -> None:
    hive.start("--dashboard", place)
    stays_off(hive, f"the console can't listen at {place}")


def test_a_socket_without_an_address_for_browsers_is_no_console(hive: Hive) -> None:
    hive.start("--dashboard", f"unix:{hive.base}/console.sock")
    stays_off(hive, "has no address for browsers; name one with 'dashboard_url'")


def test_a_console_behind_a_proxy_goes_by_the_name_of_that(hive: Hive) -> None:
    config = hive.base / "hive.toml"
    config.write_text('dashboard_url = "https://Hive.Example:443/"\n')
    hive.start("--dashboard", f"unix:{hive.base}/console.sock", "--config", str(config))
    with hive.host() as host:
        link = host.ask("console_link")["link"]
    assert link.startswith("https://hive.example/open?word=")
    request = "POST /open HTTP/1.1\r\nHost: hive.example\r\nOrigin: https://hive.example\r\nConnection: close\r\n"
    body = f"word={link.partition('=')[2]}"
    request += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(f"{hive.base}/console.sock")
        connection.sendall(request.encode())
        answer = connection.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 303 ")
    (cookie,) = re.findall(r"(?im)^set-cookie: (.*)\r$", answer)
    assert "secure" in [part.strip().lower() for part in cookie.split(";")]


def test_what_a_terminal_shows_of_the_console(hive: Hive) -> None:
    hive.start(*FREE)
    assert hivectl(hive, "sessions").stderr == "No browser is let into the console.\n"
    link = hivectl(hive, "dashboard", "--read-only")
    assert link.stdout.startswith("http://hive-")
    assert "Whoever opens it may look, and decide nothing." in link.stderr
    Console.opened(hive, read_only=True)
    status = hivectl(hive, "status").stdout
    assert "Console: http://hive-" in status
    assert "agents can do what you can, and decide what you decide by opening host.sock" in status
    listed = hivectl(hive, "sessions").stdout.splitlines()
    assert listed[1].split()[:2] == ["1", "look"]
    assert hivectl(hive, "revoke", "1").stdout == "Session 1 has ended.\n"
    assert "there is no session 1" in hivectl(hive, "revoke", "1").stderr


def test_settings_that_are_none_are_refused_with_what_would_be_right(hive: Hive) -> None:
    for option, words in (("7000", "an address and a port such as '127.0.0.1:7000'"), ("on", "or 'off'")):
        done = subprocess.run(
            command(*hive.places(), "--dashboard", option),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 1
        assert words in done.stderr + done.stdout
