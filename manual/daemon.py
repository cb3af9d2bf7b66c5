"""The pages of the daemon and of its configuration."""

from __future__ import annotations

import re
from itertools import groupby

from hyperhive import __version__
from hyperhive.tap import Options
from manual.markdown import part, put, rows, tables
from manual.roff import Page, literal, prose, strong, usage

TOP = "At the top, before any [table]"


def daemon() -> Page:
    """hyperhive(8)."""
    page = Page("hyperhive", 8, __version__, "the daemon that keeps a hive of coding agents")
    page.section("SYNOPSIS")
    page.item(f"{strong('twistd')} [{usage('TWISTD OPTION')}]... {strong('hyperhive')} [{usage('OPTION')}]...", [])
    page.item(strong("systemctl start hyperhive.service"), [])
    page.section("DESCRIPTION")
    page.paragraph(Options.longdesc)
    # Who reads this has it installed, and no clone to make it run in.
    put(page, [block for block in part("operations", "Running") if not block.lines[0].startswith("`make run`")])
    page.section("OPTIONS")
    page.paragraph("An option beats the configuration file, `hyperhive.toml`(5), which says more of each.")
    _options(page)
    page.section("EXIT STATUS")
    page.item(strong("0"), ["It was told to end, by SIGTERM or SIGINT, and has."])
    page.item(strong("1"), ["It can't start, or an option or a setting is wrong: standard error says why."])
    page.section("FILES AND SOCKETS")
    put(page, tables("operations", "What lies where"))
    page.paragraph("What `hivectl install` puts there:")
    put(page, tables("service", "As a systemd service")[:1])
    page.section("THE UNIT HYPERHIVE.SERVICE")
    put(page, part("service", "Start, stop and the watchdog"))
    page.section("HARDENING")
    put(page, part("service", "Hardening"))
    page.section("WHO MAY OPERATE IT")
    put(page, part("service", "The group"))
    page.section("ENVIRONMENT")
    put(page, part("configuration", "Environment"))
    page.see(("hivectl", 1), ("hive-agent", 1), ("twistd", 1), ("hyperhive.toml", 5), ("systemd.service", 5))
    return page


def configuration() -> Page:
    """hyperhive.toml(5)."""
    page = Page("hyperhive.toml", 5, __version__, "settings of the hive's daemon")
    page.section("SYNOPSIS")
    page.item(strong("/etc/hyperhive.toml"), [])
    page.section("DESCRIPTION")
    page.paragraph(
        "A file in TOML that `--config` of `hyperhive`(8) names, as the unit hyperhive.service does. It is read once, "
        "when the daemon starts. What is wrong in it is refused with a sentence, unknown settings too. Without any, "
        "each setting has its default."
    )
    _settings(page)
    page.section("VALUES")
    put(page, [block for block in part("configuration", "Settings") if block.kind == "points"])
    for title in ("Restarts", "Containers", "Example"):
        page.section(title)
        put(page, part("configuration", title))
    page.see(("hyperhive", 8), ("hivectl", 1), ("hive-agent", 1))
    return page


def _options(page: Page) -> None:
    """What `twistd hyperhive --help` lists: twisted's own `getUsage` reads the same two."""
    options = Options()
    valued = {name.removesuffix("=") for name in options.longOpt if name.endswith("=")}
    for name, words in sorted(options.docs.items()):
        page.item(usage(f"--{name}=VALUE" if name in valued else f"--{name}"), [words])


def _settings(page: Page) -> None:
    """The table of all settings, table by table of TOML."""
    page.section("SETTINGS")
    (table,) = tables("configuration", "Settings")
    for title, some in groupby(rows(table)[1:], key=_table_of):
        page.subsection(title)
        for names, option, takes, default, words in some:
            called = ", ".join(map(strong, re.findall(r"`(\w+)`", names)))
            rest = [words, default and f"Default: {default}.", option and f"On the command line: {option}."]
            page.item(f"{called} {literal('=')} {prose(takes)}", [one for one in rest if one])


def _table_of(row: list[str]) -> str:
    found = re.search(r"\[.+?\]", row[0])
    return found[0] if found else TOP
