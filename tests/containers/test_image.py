"""What an image must be: its users, its mount points, and no links that lead out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperhive.containers.image import NEEDED, UNCHANGED, Image, User
from hyperhive.errors import ContainerError

PASSWD = "root:x:0:0:root:/root:/bin/bash\nagent:x:1000:1001::/home/agent:/bin/bash\n"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    for name in ("etc", "home", "opt", "root", "usr", "proc", "run", "tmp", *NEEDED):
        (tmp_path / name).mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "a file").touch()
    return Image(tmp_path)


def test_an_agent_may_change_the_directories_but_no_mount_point_link_or_file(image: Image) -> None:
    assert image.directories() == ["etc", "home", "opt", "root", "usr"]
    assert not UNCHANGED & set(image.directories())


@pytest.mark.parametrize("point", NEEDED)
def test_a_missing_mount_point_is_named(image: Image, point: str) -> None:
    (image.root / point).rmdir()
    with pytest.raises(ContainerError, match=f"has no directory /{point}; make it, it stays empty"):
        image.directories()
    (image.root / point).symlink_to("usr")
    with pytest.raises(ContainerError, match=f"has no directory /{point}"):
        image.directories()


def test_what_is_not_there_is_said_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(
        ContainerError, match=r"can't be read \(No such file or directory\); 'hivectl image build' makes"
    ):
        Image(tmp_path / "nowhere").directories()
    with pytest.raises(ContainerError, match=r"no /etc/passwd that can be read \(No such file or directory\)"):
        Image(tmp_path).user("agent")


def test_a_user_is_as_the_images_own_passwd_has_it(image: Image) -> None:
    assert image.user("agent") == User(name="agent", uid=1000, gid=1001, home="/home/agent")
    assert image.user("root") == User(name="root", uid=0, gid=0, home="/root")


def test_an_unknown_user_is_refused_with_what_would_do(image: Image) -> None:
    with pytest.raises(ContainerError, match=r"has no user 'daemon'; add one, or set 'nspawn\.user' to another"):
        image.user("daemon")


@pytest.mark.parametrize(
    "line",
    ["agent", "agent:x:1000:1000::/home/agent", "agent:x:-1:0::/home/agent:", "agent:x:65536:0::/home/agent:", ""],
)
def test_a_line_that_is_none_of_passwds_is_no_user(image: Image, line: str) -> None:
    (image.root / "etc/passwd").write_bytes(b"\xff\xfe\n" + line.encode() + b"\n")
    with pytest.raises(ContainerError, match="has no user 'agent'"):
        image.user("agent")


@pytest.mark.parametrize(
    "home", ["/", "", "home/agent", "/home/../etc", "/state", "/run/agent", "/nonexistent", "/bin"]
)
def test_a_home_where_nothing_can_be_mounted_is_refused(image: Image, home: str) -> None:
    (image.root / "etc/passwd").write_text(f"agent:x:1000:1000::{home}:/bin/sh\n")
    with pytest.raises(
        ContainerError, match=f"has the home '{home}', where nothing can be mounted; give it one such as"
    ):
        image.user("agent")


@pytest.mark.parametrize("link", ["etc", "etc/passwd"])
def test_a_link_never_leads_to_the_users_of_the_host(image: Image, link: str, tmp_path: Path) -> None:
    (image.root / link).rename(image.root / "usr/moved")
    (image.root / link).symlink_to(image.root / "usr/moved")
    with pytest.raises(ContainerError, match="has no /etc/passwd that can be read"):
        image.user("agent")
