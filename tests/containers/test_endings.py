"""Why a machine ended, by entries that systemd 252 and its systemd-nspawn really wrote, with shorter descriptions."""

from __future__ import annotations

from itertools import permutations

import pytest

from hyperhive.containers.endings import Ending, signal_name

Entry = dict[str, object]

UNIT = "hyperhive-alice.service"
MACHINE = "h-alice"


def by_systemd(message: str, catalogue: str | None = None, **fields: str) -> Entry:
    told: Entry = {"_PID": "1", "_BOOT_ID": "872fb1a57b5f4d9382696a87ca5aeefc", "MESSAGE": message, **fields}
    return told if catalogue is None else {**told, "MESSAGE_ID": catalogue}


def by_nspawn(message: str) -> Entry:
    return {"_PID": "111", "_BOOT_ID": "872fb1a57b5f4d9382696a87ca5aeefc", "MESSAGE": message}


def exited(status: int, name: str) -> Entry:
    message = f"{UNIT}: Main process exited, code=exited, status={status}/{name}"
    return by_systemd(message, "98e322203f7a4ed290d09fe03c09fe15", EXIT_CODE="exited", EXIT_STATUS=str(status))


def killed(number: int, name: str, code: str = "killed") -> Entry:
    message = f"{UNIT}: Main process exited, code={code}, status={number}/{name}"
    return by_systemd(message, "98e322203f7a4ed290d09fe03c09fe15", EXIT_CODE=code, EXIT_STATUS=str(number))


def failed(result: str) -> Entry:
    message = f"{UNIT}: Failed with result '{result}'."
    return by_systemd(message, "d9b373ed55a64feb8242e02dbe79a49c", UNIT_RESULT=result)


def sent(name: str) -> Entry:
    return by_systemd(f"{UNIT}: Sent signal SIG{name} to main process 195 (systemd-nspawn) on client request.")


STARTING = by_systemd("Starting hyperhive-alice.service - agent alice...", "7d4958e842da4a758f6c1cdc7b36dcc5")
STARTED = by_systemd("Started hyperhive-alice.service - agent alice.", "39f53479d3a045ac8e11786248231fbf")
BEGUN = (STARTING, STARTED)
SUCCEEDED = by_systemd(f"{UNIT}: Deactivated successfully.", "7ad2d189f7e94e70a38c781354912448")
HALTING = by_nspawn("Trying to halt container. Send SIGTERM again to trigger immediate termination.")
STOPPING = by_systemd("Stopping hyperhive-alice.service - agent alice...", "de5b426a63be47a7b6ac3eaac82e2f6f")
STOPPED = by_systemd("Stopped hyperhive-alice.service - agent alice.", "9d1aaa27d60140bd96365438aad20286")
LEADER_KILLED = by_nspawn(f"Container {MACHINE} terminated by signal KILL.")
OOM = by_systemd(
    f"{UNIT}: A process of this unit has been killed by the OOM killer.", "fe6faa94e7774663a0da52717891d8ef"
)
TOO = tuple(
    by_systemd(f"{UNIT}: Sending signal SIG{name} to process 197 ((sd-stubinit)) on client request.")
    for name in ("KILL", "TERM")
)
LEFT = by_systemd(f"{UNIT}: Killing process 198 (sleep) with signal SIGKILL.")
OPAQUE = "exited with status 255, as it also does where its program is killed by a signal"

ENDINGS: dict[str, tuple[str, tuple[Entry, ...]]] = {
    "exit 0": ("exited with status 0", (*BEGUN, SUCCEEDED)),
    "exit 1": ("exited with status 1", (*BEGUN, exited(1, "FAILURE"), failed("exit-code"))),
    "exit 3": ("exited with status 3", (*BEGUN, exited(3, "NOTIMPLEMENTED"), failed("exit-code"))),
    "exit 255": (OPAQUE, (*BEGUN, exited(255, "EXCEPTION"), failed("exit-code"))),
    "kill -9 of the leader": (
        "killed by SIGKILL",
        (*BEGUN, LEADER_KILLED, exited(1, "FAILURE"), failed("exit-code")),
    ),
    "a real-time signal to the leader": (
        "killed by SIGRTMIN+7",
        (
            *(*BEGUN, by_nspawn(f"Container {MACHINE} terminated by signal RTMIN+7.")),
            *(exited(1, "FAILURE"), failed("exit-code")),
        ),
    ),
    "kill -9 of systemd-nspawn": ("killed by SIGKILL", (*BEGUN, killed(9, "KILL"), LEFT, failed("signal"))),
    "a crash of systemd-nspawn": ("killed by SIGSEGV", (*BEGUN, killed(11, "SEGV", "dumped"), failed("core-dump"))),
    "a signal that has only a number": ("killed by SIGRTMIN+4", (*BEGUN, killed(38, "RTMIN+4"), failed("signal"))),
    "systemctl stop": ("stopped from outside", (*BEGUN, HALTING, STOPPING, SUCCEEDED, STOPPED)),
    "systemctl stop of one that must be killed": (
        "stopped from outside",
        (*BEGUN, HALTING, STOPPING, killed(9, "KILL"), failed("timeout"), STOPPED),
    ),
    "machinectl terminate": ("stopped from outside", (*BEGUN, STOPPING, HALTING, SUCCEEDED, STOPPED)),
    "systemctl kill --signal=KILL": (
        "killed by SIGKILL",
        (*BEGUN, sent("KILL"), TOO[0], killed(9, "KILL"), LEFT, failed("signal")),
    ),
    "systemctl kill": (
        "killed by SIGTERM",
        (*BEGUN, sent("TERM"), TOO[1], HALTING, exited(255, "EXCEPTION"), failed("exit-code")),
    ),
    # systemd takes an end by SIGHUP for a good one, and does not mention it.
    "systemctl kill --kill-whom=main --signal=HUP": ("killed by SIGHUP", (*BEGUN, sent("HUP"), SUCCEEDED)),
    "a signal that did nothing, long before it exited": (
        "exited with status 3",
        (*BEGUN, sent("USR1"), exited(3, "NOTIMPLEMENTED"), failed("exit-code")),
    ),
    "a harmless signal before it ended well": ("exited with status 0", (*BEGUN, sent("WINCH"), SUCCEEDED)),
    "a harmless signal before it was stopped": (
        "stopped from outside",
        (*BEGUN, sent("WINCH"), HALTING, STOPPING, SUCCEEDED, STOPPED),
    ),
    "the kernel's OOM killer": (
        "out of memory",
        (*BEGUN, OOM, LEADER_KILLED, exited(1, "FAILURE"), failed("oom-kill")),
    ),
    "the kernel's OOM killer, told by the result alone": (
        "out of memory",
        (*BEGUN, killed(9, "KILL"), failed("oom-kill")),
    ),
}


@pytest.mark.parametrize("way", ENDINGS)
def test_every_ending_has_its_cause(way: str) -> None:
    cause, entries = ENDINGS[way]
    ending = read(*entries)
    assert ending.cause() == cause
    assert ending.over


@pytest.mark.parametrize("way", ENDINGS)
def test_an_ending_is_over_with_systemds_last_word_and_not_before(way: str) -> None:
    _, entries = ENDINGS[way]
    ending = Ending()
    for entry in entries:
        if entry in (SUCCEEDED, STOPPED) or entry.get("UNIT_RESULT"):
            break
        ending.add(entry)
        assert not ending.over


@pytest.mark.parametrize("death", ["kill -9 of the leader", "exit 3", "kill -9 of systemd-nspawn"])
def test_a_stop_after_the_death_is_not_its_cause(death: str) -> None:
    cause, (*before, last) = ENDINGS[death]
    assert read(*before, STOPPING, last).cause() == cause


def test_a_stop_between_a_deadly_signal_and_the_death_is_not_its_cause() -> None:
    assert read(*BEGUN, sent("KILL"), STOPPING, killed(9, "KILL"), failed("signal")).cause() == "killed by SIGKILL"


@pytest.mark.parametrize("order", list(permutations([LEADER_KILLED, exited(1, "FAILURE")])))
def test_the_order_of_what_nspawn_and_systemd_say_of_a_death_does_not_matter(order: tuple[Entry, ...]) -> None:
    assert read(*BEGUN, *order, failed("exit-code")).cause() == "killed by SIGKILL"


def test_a_machine_that_outlived_what_the_kernel_took_from_it_and_was_stopped_later_was_stopped() -> None:
    assert read(*BEGUN, OOM, HALTING, STOPPING, SUCCEEDED, STOPPED).cause() == "stopped from outside"


def test_a_machine_that_outlived_what_the_kernel_took_from_it_and_was_killed_much_later_was_killed() -> None:
    taken = {**OOM, "__REALTIME_TIMESTAMP": "1000000000"}
    died = {**LEADER_KILLED, "__REALTIME_TIMESTAMP": "9000000000"}
    assert read(*BEGUN, taken, died, exited(1, "FAILURE"), failed("exit-code")).cause() == "killed by SIGKILL"


@pytest.mark.parametrize(
    "entries",
    [(), BEGUN, (*BEGUN, HALTING), (*BEGUN, by_systemd("Failed.", "d9b373ed55a64feb8242e02dbe79a49c"))],
    ids=len,
)
def test_where_nothing_tells_nothing_is_said(entries: tuple[Entry, ...]) -> None:
    assert read(*entries).cause() is None


def test_what_nspawn_says_is_not_taken_for_systemds_word() -> None:
    forged = [{**entry, "_PID": "111"} for entry in (STOPPING, OOM, exited(3, "X"), sent("KILL"), SUCCEEDED)]
    ending = read(*BEGUN, *forged)
    assert ending.cause() is None
    assert not ending.over


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"_PID": "1"},
        {"_PID": ["1", "2"], "MESSAGE_ID": STOPPING["MESSAGE_ID"]},
        {"_PID": "1", "MESSAGE": None},
        {"_PID": "1", "MESSAGE": [72, 105]},
        {"_PID": "1", "MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15"},
        {**exited(3, "X"), "EXIT_STATUS": "three"},
        {**killed(9, "KILL"), "EXIT_STATUS": "9000"},
        by_nspawn(f"Container {MACHINE} terminated by signal KILL. Or so"),
        by_systemd(f"{UNIT}: Sent signal SIGKILL to control process 195 (x) on client request."),
    ],
    ids=range(10),
)
def test_an_entry_that_says_nothing_clear_is_passed_over(entry: Entry) -> None:
    assert read(*BEGUN, entry).cause() is None
    assert read(*BEGUN, entry, exited(3, "X"), failed("exit-code")).cause() == "exited with status 3"


@pytest.mark.parametrize(
    ("number", "name"), [("9", "KILL"), ("34", "RTMIN"), ("38", "RTMIN+4"), ("64", "RTMAX"), ("0", None), ("x", None)]
)
def test_a_signal_has_the_name_that_systemd_gives_it(number: str, name: str | None) -> None:
    assert signal_name(number) == name


def read(*entries: Entry) -> Ending:
    ending = Ending()
    for entry in entries:
        ending.add(entry)
    return ending
