"""What others wrote is as they published it, with its licence; and nothing is fetched from elsewhere."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import pytest

from hyperhive.dashboard.files import own_files

VENDOR = files("hyperhive.dashboard") / "static" / "vendor"
LIST = (VENDOR / "VENDOR.txt").read_text()
OWN = own_files()


def test_every_vendored_file_is_in_the_list_with_its_hash() -> None:
    for part in LIST.split("\n\n")[1:]:
        said = {line[:9].strip(): line[9:] for line in part.strip().splitlines()}
        content = (VENDOR / said["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == said["sha256"], said["file"]
        assert said["version"] in said["file"]
        assert (VENDOR / said["licence"].partition(", ")[2]).is_file()
    assert [
        name for name in OWN if name.startswith("vendor/") and name.rpartition("/")[2] not in LIST + "VENDOR.txt"
    ] == []


@pytest.mark.parametrize("name", [name for name in OWN if not name.startswith("vendor/")])
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    text = OWN[name].content.decode().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\(", text)


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_module_imports_what_is_there(name: str) -> None:
    if name.endswith(".js") and not name.startswith("vendor/"):
        found = re.findall(r'(?:import|from) "\./([\w./-]+)"', OWN[name].content.decode())
        assert [one for one in found if one not in OWN] == []


def test_what_a_first_page_needs_is_less_than_100_kb() -> None:
    assert sum(len(file.content) for file in OWN.values()) < 100_000


def test_templates_have_neither_scripts_nor_styles_within() -> None:
    folders = [files("hyperhive.dashboard") / "templates"]
    texts = {}
    while folders:
        for entry in folders.pop().iterdir():
            if entry.is_dir():
                folders.append(entry)
            else:
                texts[entry.name] = entry.read_text()
    assert len(texts) > 5
    for name, text in texts.items():
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|\|\s*safe\b", text), name
