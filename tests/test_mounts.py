"""Which paths may be shown to an agent, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperhive.agent_config import AgentConfig, Mount
from hyperhive.mounts import absolute, image, objection_to_mounts, objection_to_sharing, target

HIVES = (Path("/var/lib/hyperhive"), Path("/run/hyperhive"))


@pytest.mark.parametrize("path", ["/srv", "/srv/x y", "/srv/..x", "/srv/ä", "/" + "x" * 1023])
def test_an_absolute_path_is_taken_as_it_is(path: str) -> None:
    assert str(absolute(path)) == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "srv", "~/x", "//srv", "/srv/", "/srv//x", "/srv/./x", "/srv/../x", "/..", "/a:b", '/a"', "/a'", "/a\\b"),
        *("/a\nb", "/a\0", "/a\x7f", "/a\u202eb", "/" + "x" * 1024, "/" + "ä" * 512, 7, True, None, ["/srv"]),
    ],
)
def test_a_path_that_programs_could_read_differently_is_refused(path: object) -> None:
    with pytest.raises(ValueError, match=r"^an absolute path such as"):
        absolute(path)


@pytest.mark.parametrize(
    "path", ["/srv", "/home/agent/x", "/dev/kvm", "/run/x", "/run/hive2", "/opt/x", "/libs", "/var"]
)
def test_something_may_be_shown_where_nothing_of_the_container_is(path: str) -> None:
    assert target(path) == Path(path)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/", "something in '/', not all of it"),
        ("/dev", "something in '/dev', not all of it"),
        ("/run", "something in '/run', not all of it"),
        ("/opt", "neither at, below nor above '/opt/hyperhive', which is the hive's own"),
        ("/run/hive-env", "neither at, below nor above '/run/hive-env', which is the hive's own"),
        *(
            (below, f"neither at, below nor above '{path}', which is the hive's own")
            for path in ("/run/hive", "/state", "/config", "/agents", "/applied")
            for below in (path, f"{path}/x")
        ),
        *(
            (below, f"outside '{path}', which is the container's own")
            for path in ("/proc", "/sys", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/nix")
            for below in (path, f"{path}/x")
        ),
    ],
)
def test_nothing_is_shown_in_place_of_what_the_container_needs(path: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        target(path)
    assert str(refused.value) == wrong


@pytest.mark.parametrize("source", ["/srv", "/var/lib", "/var/lib/hyperhive2", "/dev/kvm", "/run/x", "/etc", "/home"])
def test_a_source_beside_the_hives_directories_may_be_shown(source: str) -> None:
    hives = (Path("/var/lib/hyperhive"),) if source != "/var/lib" else (Path("/srv/hive"),)
    assert objection_to_mounts(showing(source), hives) is None


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("/", "something in '/', not all of it"),
        ("/dev", "something in '/dev', not all of it"),
        ("/run", "something in '/run', not all of it"),
        ("/proc", "outside '/proc', through which all of the host is reached: '/proc' is not"),
        ("/proc/1/root", "outside '/proc', through which all of the host is reached: '/proc/1/root' is not"),
        ("/sys/fs", "outside '/sys', through which all of the host is reached: '/sys/fs' is not"),
        *(
            (source, f"neither at, below nor above '/var/lib/hyperhive', which is the hive's own: '{source}' is")
            for source in ("/var", "/var/lib", "/var/lib/hyperhive", "/var/lib/hyperhive/x")
        ),
        (
            "/run/hyperhive/x",
            "neither at, below nor above '/run/hyperhive', which is the hive's own: '/run/hyperhive/x' is",
        ),
    ],
)
def test_the_hives_own_directories_are_shown_to_nobody(source: str, wrong: str) -> None:
    assert objection_to_mounts(showing("/srv/x", source), HIVES) == f"'mounts[1].source' must be {wrong}"


def test_where_nothing_is_shown_nothing_is_wrong() -> None:
    assert objection_to_mounts(AgentConfig(), HIVES) is None


def showing(*sources: str) -> AgentConfig:
    """A configuration that shows those."""
    return AgentConfig(
        mounts=tuple(Mount(source=Path(source), target=Path(f"/x{at}")) for at, source in enumerate(sources))
    )


@pytest.mark.parametrize(
    ("own", "others", "goes"),
    [
        ([("/srv/a", False)], [("/srv/a", True)], True),
        ([("/srv/a/b", False)], [("/srv/a", False)], True),
        ([("/srv/a/b", False)], [("/srv/a", True)], False),
        ([("/srv/a", True)], [("/srv/a/b", False)], False),
        ([("/srv/a", False)], [("/srv/a/b", True)], True),
        ([("/srv/a", True), ("/srv/a/b", False)], [], False),
        ([("/srv/a", True), ("/srv/ab", True)], [("/srv/b", True)], True),
    ],
)
def test_nobody_may_write_above_what_another_is_shown(
    own: list[tuple[str, bool]],
    others: list[tuple[str, bool]],
    goes: bool,  # noqa: FBT001 - a column of the table
) -> None:
    mounts = [
        Mount(source=Path(source), target=Path(f"/data/{index}"), writable=writable)
        for index, (source, writable) in enumerate(own)
    ]
    theirs = {"bob": [(Path(source), writable) for source, writable in others]}
    assert (objection_to_sharing(mounts, theirs) is None) == goes


@pytest.mark.parametrize("place", ["/", "/dev", "/dev/shm/x", "/proc/1/root", "/sys"])
def test_the_running_host_is_no_image(place: str) -> None:
    assert image("/srv/image.tar") == Path("/srv/image.tar")
    with pytest.raises(ValueError, match="no part of the running host"):
        image(place)
