"""Units and jobs on the system bus, with a small systemd of ours."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from hyperhive.boundaries import Consumption
from hyperhive.containers.dbus import CallRefused, variant
from hyperhive.containers.system_bus import SystemBus, Unit, unit_path
from tests.containers.buses import Bus, Systemd
from tests.containers.on_bus import ALICE, everything_arrived, refusal


async def test_a_unit_is_seen_as_it_is_and_an_unknown_one_is_inactive(opened: SystemBus, systemd: Systemd) -> None:
    systemd.units[ALICE] = {
        "ActiveState": variant("s", "failed"),
        "SubState": variant("s", "failed"),
        "InvocationID": variant("ay", bytes(range(16))),
        "MainPID": variant("u", 0),
        "Result": variant("s", "exit-code"),
        "ExecMainCode": variant("i", 1),
        "ExecMainStatus": variant("i", 3),
    }
    invocation = "000102030405060708090a0b0c0d0e0f"
    assert await opened.unit(ALICE) == Unit(ALICE, "failed", invocation, 0)
    assert await opened.unit("none.service") == Unit("none.service", "inactive", "", 0)
    assert await refusal(opened.unit("alice")) == "alice can't be looked at: That is no unit name"


async def test_what_systemd_counts_is_a_number_and_what_it_does_not_is_none(
    opened: SystemBus, systemd: Systemd
) -> None:
    systemd.units[ALICE] = {"MemoryCurrent": variant("t", 4096), "CPUUsageNSec": variant("t", 2**64 - 1)}
    assert await opened.consumption(ALICE) == Consumption(memory=4096, seconds=None)


async def test_systemd_counts_time_in_billionths_of_a_second(opened: SystemBus, systemd: Systemd) -> None:
    systemd.units[ALICE] = {"MemoryCurrent": variant("t", 2**64 - 1), "CPUUsageNSec": variant("t", 1_500_000_000)}
    assert await opened.consumption(ALICE) == Consumption(memory=None, seconds=1.5)


def test_a_unit_has_the_path_that_systemd_gives_it() -> None:
    # As `systemd-escape` and `busctl tree` show it.
    assert unit_path("container@h-a.service") == "/org/freedesktop/systemd1/unit/container_40h_2da_2eservice"
    assert unit_path("7.mount") == "/org/freedesktop/systemd1/unit/_37_2emount"


@pytest.mark.parametrize("result", ["done", "early"])
async def test_a_start_returns_when_its_job_is_done_though_the_end_be_told_before_the_path(
    opened: SystemBus, systemd: Systemd, result: str
) -> None:
    systemd.results[ALICE] = result
    await opened.start_unit(ALICE)
    assert ("StartUnit", ALICE, "replace") in systemd.calls


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("failed", "the job failed"),
        ("canceled", "another job took the place of this one"),
        ("odd", "systemd's job ended as 'odd'"),
    ],
)
async def test_a_job_that_is_not_done_is_a_sentence(
    opened: SystemBus, systemd: Systemd, result: str, said: str
) -> None:
    systemd.results[ALICE] = result
    assert await refusal(opened.start_unit(ALICE)) == (
        f"{ALICE} could not be started: {said}; 'systemctl status {ALICE}' says why"
    )


async def test_a_transient_unit_is_started_with_its_properties(opened: SystemBus, systemd: Systemd) -> None:
    exec_start = ("ExecStart", "a(sasb)", [("/bin/sleep", ["sleep", "9"], False)])
    await opened.start_transient(ALICE, [exec_start, ("Delegate", "b", True)])
    started = [["ExecStart", [["/bin/sleep", ["sleep", "9"], False]]], ["Delegate", True]]
    assert ("StartTransientUnit", ALICE, "fail", started, []) in systemd.calls


async def test_a_job_that_does_not_end_in_time_is_a_sentence(opened: SystemBus, systemd: Systemd) -> None:
    systemd.results[ALICE] = "never"
    assert await refusal(opened.start_unit(ALICE, timeout=0.05)) == (
        f"{ALICE} could not be started: systemd's job is not done after 0.05 seconds"
    )
    assert not opened._listening.session()._jobs


async def test_a_job_whose_bus_is_lost_is_a_sentence(bus: Bus, opened: SystemBus, systemd: Systemd) -> None:
    systemd.results[ALICE] = "never"
    called = systemd.called("StartUnit")
    start = Deferred.fromCoroutine(refusal(opened.start_unit(ALICE)))
    await called
    await everything_arrived(opened)
    bus.kill()
    assert await start == f"{ALICE} could not be started: the system bus was lost while systemd was at it"


async def test_what_systemd_refuses_is_a_sentence(opened: SystemBus, systemd: Systemd) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.systemd1.NoSuchUnit", f"Unit {ALICE} not found.")

    systemd.answers["StartUnit"] = refuse
    assert await refusal(opened.start_unit(ALICE)) == f"{ALICE} could not be started: Unit {ALICE} not found"
    assert (
        await refusal(opened.kill_unit(ALICE, "all", 9)) == f"{ALICE} could not be signalled: Unit {ALICE} not loaded"
    )


async def test_stopping_and_resetting_what_is_unknown_is_nothing(opened: SystemBus, systemd: Systemd) -> None:
    await opened.stop_unit(ALICE)
    await opened.reset_failed(ALICE)
    assert systemd.jobs == 0


async def test_what_may_not_be_reset_is_a_sentence(opened: SystemBus, systemd: Systemd) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.DBus.Error.AccessDenied", "Access denied.")

    systemd.answers["ResetFailedUnit"] = refuse
    assert await refusal(opened.reset_failed(ALICE)) == f"{ALICE} could not be reset: Access denied"


async def test_a_known_unit_is_stopped_signalled_and_reset(opened: SystemBus, systemd: Systemd) -> None:
    await opened.start_unit(ALICE)
    await opened.kill_unit(ALICE, "main", 15)
    await opened.reset_failed(ALICE)
    await opened.stop_unit(ALICE)
    assert (await opened.unit(ALICE)).active == "inactive"
    assert [call for call in systemd.calls if call[0] not in {"Subscribe", "GetAll"}] == [
        ("StartUnit", ALICE, "replace"),
        ("KillUnit", ALICE, "main", 15),
        ("ResetFailedUnit", ALICE),
        ("StopUnit", ALICE, "replace"),
    ]
