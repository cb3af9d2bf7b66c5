"""What can be told of a build without building: orders, sources, records, programs that fail."""

from __future__ import annotations

import json
import os
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from hyperhive.images import building, confined, wheels
from hyperhive.images.building import Order, build
from hyperhive.images.record import RECORD, ImageError, ImageRecord

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the namespaces of a build")


def installed(tmp_path: Path, direct: dict[str, Any] | None) -> Distribution:
    information = tmp_path / "hyperhive-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: hyperhive\nVersion: 1.2\n")
    if direct is not None:
        (information / "direct_url.json").write_text(json.dumps(direct))
    return Distribution.at(information)


def test_what_came_from_the_index_comes_from_there_again(tmp_path: Path) -> None:
    assert wheels._source_of(installed(tmp_path, None)) == "hyperhive==1.2"


def test_what_was_installed_from_a_checkout_is_built_from_it(tmp_path: Path) -> None:
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    direct = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    assert wheels._source_of(installed(tmp_path, direct)) == str(checkout)


def test_a_checkout_that_is_gone_is_named(tmp_path: Path) -> None:
    direct = {"url": f"file://{tmp_path}/gone", "dir_info": {}}
    with pytest.raises(ImageError, match="/gone, which is gone; name a source with --hyperhive"):
        wheels._source_of(installed(tmp_path, direct))


def test_a_commit_is_taken_again_not_its_branch(tmp_path: Path) -> None:
    direct = {
        "url": "https://example.org/h.git",
        "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "m"},
    }
    assert wheels._source_of(installed(tmp_path, direct)) == "hyperhive @ git+https://example.org/h.git@abc"


def test_this_installation_knows_where_it_is_from() -> None:
    assert (Path(wheels.own_source()) / "setup.cfg").is_file()


def test_a_directory_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"has no pyproject\.toml"):
        wheels.check(str(tmp_path))


@ROOT_ONLY
def test_a_source_that_is_not_there_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "found", str)
    steps: list[str] = []
    with pytest.raises(ImageError, match="there is no /nope; name a checkout, a wheel or a version of hyperhive"):
        build(Order(image=tmp_path / "image", source="/nope"), lambda step, _line: steps.append(step))
    assert (steps, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("source", ["hyperhive==1.2", "hyperhive @ https://example.org/h.whl", "git+ssh://h/h.git"])
def test_what_pip_has_to_find_is_left_to_pip(source: str) -> None:
    wheels.check(source)


def test_a_checkout_is_built_from_a_copy_without_what_is_not_its_own(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("hyperhive", ".venv", ".git", "build", "hyperhive.egg-info"):
        (checkout / name).mkdir(parents=True)
    (checkout / "pyproject.toml").touch()
    copy = Path(wheels._buildable(str(checkout), tmp_path))
    assert sorted(path.name for path in copy.iterdir()) == ["hyperhive", "pyproject.toml"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"suite": "--help"}, "'--help' can't be a suite"),
        ({"suite": "../x"}, "can't be a suite"),
        ({"packages": ("git,sudo",)}, "'git,sudo' can't be a package"),
        ({"packages": ("--x",)}, "can't be a package"),
        ({"mirror": "--x"}, "must be a URL"),
    ],
)
def test_an_order_that_debootstrap_would_misread_is_refused(wanted: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=told):
        Order(image=tmp_path / "image", **wanted)


def test_nobody_but_root_builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match="only root can build an image"):
        build(Order(image=tmp_path / "image"), lambda _step, _line: None)


def test_a_missing_debootstrap_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(confined, "search_path", lambda: str(tmp_path))
    with pytest.raises(ImageError, match="apt install debootstrap"):
        confined.found("debootstrap")


@ROOT_ONLY
def test_a_failed_program_is_told_by_its_last_complaint() -> None:
    heard: list[str] = []
    script = "echo I: begins; echo E: it broke; echo afterwards; exit 3"
    with pytest.raises(ImageError, match=r"^sh failed: E: it broke$"):
        confined.run(["sh", "-c", script], heard.append)
    assert heard == ["I: begins", "E: it broke", "afterwards"]


@ROOT_ONLY
def test_a_silent_failure_is_told_by_its_status() -> None:
    with pytest.raises(ImageError, match=r"^sh failed: it ended with status 3$"):
        confined.run(["sh", "-c", "exit 3"], print)


@ROOT_ONLY
def test_without_a_network_there_is_no_way_out() -> None:
    heard: list[str] = []
    confined.run(["cat", "/proc/net/route"], heard.append, network=False)
    assert len(heard) <= 1


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / RECORD).parent.mkdir()
    record = ImageRecord(hyperhive="1", python="3.11.2", suite="bookworm", built_at=7, packages={"git": "2"})
    record.write(tmp_path)
    assert ImageRecord.read(tmp_path) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hyperhive":1}', "\xff"])
def test_a_record_that_says_nothing_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).parent.mkdir()
    (tmp_path / RECORD).write_bytes(text.encode("latin-1"))
    with pytest.raises(ImageError, match=r"can't be read: .*; build the image again"):
        ImageRecord.read(tmp_path)


def test_a_record_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / RECORD).parent.mkdir()
    (tmp_path / RECORD).symlink_to("/etc/hostname")
    with pytest.raises(ImageError, match="can't be read"):
        ImageRecord.read(tmp_path)
