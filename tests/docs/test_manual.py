"""The man pages say what the parsers, the settings and the documentation say, in roff that is clean."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from hyperhive.agent.main import main as hive_agent
from hyperhive.hivectl.tree import cli
from hyperhive.settings import OF_AN_AGENT, SECTIONS, TOP
from hyperhive.tap import Options
from manual import markdown
from manual.pages import PLACE, pages
from manual.roff import Page, UnknownSignError, prose, strong, usage
from tests.docs.groff import said

NAMES = ("hivectl.1", "hive-agent.1", "hyperhive.8", "hyperhive.toml.5")
SHAPES = re.compile(r"\\f[BIP]|\\&")


def shown(name: str) -> list[str]:
    """The lines of a page as one types what they show."""
    return [SHAPES.sub("", line).replace("\\-", "-") for line in (PLACE / name).read_text().splitlines()]


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*above, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


def options(command: click.Command) -> set[str]:
    of_it = [param for param in command.params if isinstance(param, click.Option)]
    return {name for param in of_it for name in (*param.opts, *param.secondary_opts)}


def named(line: str) -> set[str]:
    """The options that such a line begins with."""
    return set(re.findall(r"(?<!\S)--?[a-z][\w-]*", line)) if line.startswith("-") else set()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_as_make_man_writes_it(name: str) -> None:
    assert (PLACE / name).read_text() == pages()[name], "run 'make man' and commit what it changes"


def test_these_are_all_pages_and_the_package_has_no_other() -> None:
    assert set(NAMES) == set(pages()) == {path.name for path in PLACE.glob("*.[1-9]")}


@pytest.mark.parametrize(("name", "group"), [("hivectl.1", cli), ("hive-agent.1", hive_agent)])
def test_every_command_has_a_tag_and_all_its_options_below(name: str, group: click.Group) -> None:
    lines = shown(name)
    everywhere = {option for line in lines[: lines.index('.SH "COMMANDS"')] for option in named(line)}
    assert options(group) | {"-h", "--help", "--version"} <= everywhere
    tags = [n + 1 for n, line in enumerate(lines) if line == ".TP"]
    for path, command in commands(group):
        (at,) = (n for n in tags if re.match(rf"{path}(,| [A-Z\[{{]|$)", lines[n]))
        end = next((n for n in tags if n > at and not lines[n].startswith("-")), len(lines))
        below = {option for line in lines[at:end] for option in named(line)}
        assert options(command) <= below | everywhere, path


def test_an_alias_stands_beside_its_command() -> None:
    assert [f"list, {alias}" in shown("hivectl.1") for alias in cli.aliases] == [True]


def test_every_option_that_twistd_lists_is_in_the_page_of_the_daemon() -> None:
    listed = set(re.findall(r"^ +(--[\w-]+)", str(Options()), re.MULTILINE))
    lines = shown("hyperhive.8")
    tags = [lines[n + 1] for n, line in enumerate(lines) if line == ".TP"]
    assert {option for tag in tags for option in named(tag)} == listed


def test_every_setting_stands_under_its_table() -> None:
    found: dict[str, set[str]] = {}
    table = ""
    for line in shown("hyperhive.toml.5"):
        if line.startswith(".SS "):
            table = line[5:-1]
        elif setting := re.match(r"((?:\w+, )*\w+) = ", line):
            found.setdefault(table, set()).update(setting[1].split(", "))
        elif line == '.SH "VALUES"':
            break
    known = {f"[{name}]": set(settings) for name, settings in SECTIONS.items()}
    assert found == {"At the top, before any [table]": set(TOP), **known, "[agents.<name>]": set(OF_AN_AGENT)}


@pytest.mark.parametrize("name", NAMES)
def test_groff_and_man_find_nothing_wrong(name: str) -> None:
    assert said("groff", "-man", "-ww", "-z", str(PLACE / name)) == ""
    rendered = said("man", "--warnings", "-l", str(PLACE / name))
    assert "warning" not in rendered
    assert "\\f" not in rendered


@pytest.mark.parametrize("name", NAMES)
def test_apropos_would_find_what_the_page_is_about(name: str) -> None:
    assert f'"{name.rpartition(".")[0]} - ' in said("lexgrog", str(PLACE / name))


def test_every_page_that_another_one_of_ours_names_is_there() -> None:
    ours = re.compile(r"\b(hive[\w.-]*|hyperhive[\w.-]*)\((\d)\)")
    seen = {f"{page}.{number}" for name in NAMES for line in shown(name) for page, number in ours.findall(line)}
    assert seen == set(NAMES)


def test_words_never_become_requests_and_signs_stay_what_they_are(tmp_path: object) -> None:
    page = Page("it", 1, "0", "does")
    page.paragraph(".so /etc/passwd")
    page.verbatim(["'ls' -l ~ `x` ^ \\n", "", ".TH"])
    page.item(strong("--it"), [])
    page.section('`A` "B"')
    file = f"{tmp_path}/it.1"
    with open(file, "w", encoding="ascii") as out:  # noqa: PTH123
        out.write(page.text)
    assert said("groff", "-man", "-ww", "-z", file) == ""
    rendered = said("man", "-l", file)
    for words in (".so /etc/passwd", "'ls' -l ~ `x` ^ \\n", ".TH", "--it", 'A "B"'):
        assert words in rendered


def test_a_hyphen_within_a_word_begins_no_option() -> None:
    assert usage("[hive-agent] --to NAME") == "[hive\\-agent] \\fB\\-\\-to\\fP \\fINAME\\fP"


def test_a_link_is_its_words_and_says_where_it_leads_if_one_is_sent_there() -> None:
    assert prose("a [word](page.md#x); see [it](page.md), see [this](#here)") == (
        "a word; see it (docs/page.md), see this"
    )


def test_a_sign_that_no_terminal_must_have_is_refused() -> None:
    with pytest.raises(UnknownSignError, match="manual/roff"):
        prose("a ☂")


def test_a_part_of_the_documentation_that_is_gone_is_named() -> None:
    with pytest.raises(LookupError, match=r"docs/hivectl\.md has no heading 'Gone'"):
        markdown.part("hivectl", "Gone")
