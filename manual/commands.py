"""The pages of the two command lines, from the parsers that answer `--help`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from hyperhive import __version__
from hyperhive.agent.main import main as hive_agent
from hyperhive.hivectl.places import candidates
from hyperhive.hivectl.tree import SECTIONS, cli
from hyperhive.hivectl.verbs import common_options
from manual.markdown import part, put, tables
from manual.roff import Page, strong, usage

COMMON = [(option.opts, option.help) for option in common_options() if isinstance(option, click.Option)]
"""What every command of `hivectl` that asks the daemon takes as well: the page says it once."""


def hivectl() -> Page:
    """hivectl(1)."""
    page = Page("hivectl", 1, __version__, "operate a hive of agents")
    _opening(page, cli)
    page.paragraph("Those but `--help` and `--version` may also stand behind a command that asks the daemon.")
    page.section("COMMANDS")
    context = click.Context(cli, info_name="hivectl")
    titled = {title: names for title, (_, names) in SECTIONS.items()}
    shown = {name for names in titled.values() for name in names}
    titled["Others"] = tuple(name for name in cli.list_commands(context) if name not in shown)
    for title, names in titled.items():
        page.subsection(title)
        for name in names:
            others = [alias for alias, meant in cli.aliases.items() if meant == name]
            _command(page, context, name, others)
    for title in ("Output", "Exit status", "Completion"):
        page.section(title)
        put(page, part("hivectl", title))
    _environment(page, cli, {"NO_COLOR": "No colour on a terminal."})
    page.section("FILES")
    page.paragraph("Where no socket is named, the first of these that takes a connection is the daemon's:")
    page.verbatim(candidates(None, {name: f"${name}" for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME")}))
    page.paragraph("`$XDG_STATE_HOME` is `~/.local/state` where it is not set.")
    page.see(("hyperhive.toml", 5), ("hyperhive", 8), ("hive-agent", 1))
    return page


def agent() -> Page:
    """hive-agent(1)."""
    page = Page("hive-agent", 1, __version__, "the hive from inside an agent's container")
    _opening(page, hive_agent)
    page.section("COMMANDS")
    context = click.Context(hive_agent, info_name="hive-agent")
    for name in hive_agent.list_commands(context):
        _command(page, context, name, [])
    for title in ("Turns", "Runners", "What goes wrong"):
        page.section(title)
        put(page, part("hive-agent", title))
    page.section("EXIT STATUS")
    put(page, tables("hive-agent", "From a shell script")[-1:])
    _environment(page, hive_agent, {"HIVE_RUNNER": "The runner: see above, as of all others that it reads."})
    page.see(("hivectl", 1), ("hyperhive.toml", 5), ("hyperhive", 8))
    return page


def _opening(page: Page, group: click.Group) -> None:
    """How it is called, what it is, and the options before any command."""
    context = click.Context(group, info_name=page.name, **group.context_settings)
    page.section("SYNOPSIS")
    page.item(f"{strong(page.name)} {usage(' '.join(group.collect_usage_pieces(context)))}", [])
    page.section("DESCRIPTION")
    for words in _paragraphs(group.help):
        page.paragraph(words)
    page.section("OPTIONS")
    _options(page, context, [*group.get_params(context)])


def _command(page: Page, parent: click.Context, name: str, aliases: Sequence[str]) -> None:
    """One command with its options, and below a group all of its own."""
    group = parent.command
    command = group.get_command(parent, name) if isinstance(group, click.Group) else None
    if command is None:
        raise LookupError(f"{parent.command_path} lists the command {name!r} and has none")
    context = click.Context(command, info_name=name, parent=parent)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    path = " ".join([*parent.command_path.split()[1:], name])
    called = ", ".join(map(strong, [path, *aliases]))
    page.item(f"{called} {usage(' '.join(pieces))}".rstrip(), _paragraphs(command.help))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            _command(page, context, inner, [])
        return
    if _records(context, command.params):
        with page.within():
            _options(page, context, command.params)


def _options(page: Page, context: click.Context, params: Sequence[click.Parameter]) -> None:
    for called, words in _records(context, params):
        page.item(usage(called), [words])


def _records(context: click.Context, params: Sequence[click.Parameter]) -> list[tuple[str, str]]:
    """What help says of these options, but for those that the page says once."""
    found = []
    for param in params:
        record = param.get_help_record(context)
        common = context.parent and (param.opts, getattr(param, "help", None)) in COMMON
        if record and isinstance(param, click.Option) and not common:
            found.append(record)
    return found


def _environment(page: Page, group: click.Group, others: Mapping[str, str]) -> None:
    page.section("ENVIRONMENT")
    for param in group.params:
        if isinstance(param, click.Option) and isinstance(param.envvar, str):
            page.item(strong(param.envvar), [f"What `{param.opts[0]}` takes: {param.help}"])
    for name, words in others.items():
        page.item(strong(name), [words])


def _paragraphs(words: str | None) -> Iterator[str]:
    yield from (one for one in (words or "").partition("\f")[0].split("\n\n") if one.strip())
