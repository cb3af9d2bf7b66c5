"""The tree of commands. Reading a command line gives an errand; nothing is asked yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from hyperhive import __version__
from hyperhive.hivectl.verbs import Group, common_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EPILOG = """\
Exit status: 0 done; 1 refused, the daemon's sentence is on standard error; 2 the command line was wrong; 3 no daemon
reached, or none that answered in time; 130 interrupted by Ctrl-C.

\b
The socket is the one given by --socket or HIVE_HOST_SOCKET, else the first of
these that takes a connection:
  /run/hyperhive/host.sock
  $XDG_RUNTIME_DIR/hyperhive/host.sock
  $XDG_STATE_HOME/hyperhive/run/host.sock   (~/.local/state if unset)

Start with 'hivectl status'. 'hivectl COMMAND --help' explains a command.
"""


PAGES: Final = {"hivectl": 1, "hive-agent": 1, "hyperhive": 8, "hyperhive.toml": 5}
"""The pages of the manual, and the section of it that each is in."""
SECTIONS: Final = {
    "Look": (
        "hyperhive.hivectl.view_commands",
        ("status", "top", "list", "agents", "events", "logs", "urls"),
    ),
    "Decide": (
        "hyperhive.hivectl.decision_commands",
        ("pending", "diff", "approve", "deny", "questions", "answer", "cancel-question"),
    ),
    "Agents": (
        "hyperhive.hivectl.lifecycle_commands",
        (
            "spawn", "request-spawn", "start", "stop", "restart", "kill", "rebuild", "destroy", "pause", "resume",
            "operations",
        ),
    ),
    "Configuration": (
        "hyperhive.hivectl.config_commands",
        ("config", "rollback"),
    ),
    "Turns": (
        "hyperhive.hivectl.turn_commands",
        ("turns", "turn", "cancel-turn", "compact", "new-session", "model", "login"),
    ),
    "Mail": (
        "hyperhive.hivectl.mail_commands",
        ("send", "inbox", "messages", "held", "release", "dead-letters", "requeue"),
    ),
    "Console": (
        "hyperhive.hivectl.console_commands",
        ("dashboard", "sessions", "revoke"),
    ),
    "Containers": (
        "hyperhive.hivectl.image",
        ("image",),
    ),
    "Service": (
        "hyperhive.hivectl.install",
        ("install", "uninstall"),
    ),
}  # fmt: skip
"""The commands by the titles under which help lists them, each with the module that is imported when it is typed."""


@click.group(
    "hivectl",
    cls=Group,
    sections=SECTIONS,
    aliases={"ls": "list"},
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=common_options(envvar="HIVE_HOST_SOCKET"),
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Operate a hive of agents: see how it stands, decide what it asks, start and stop its agents."""


def _commands(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    group: click.Command | None = cli
    for name in ctx.params.get(param.name or "") or ():
        group = group.get_command(ctx, name) if isinstance(group, click.Group) else None
    names = group.list_commands(ctx) if isinstance(group, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@cli.command("help")
@click.argument("command", nargs=-1, metavar="[COMMAND]...", shell_complete=_commands)
@click.pass_context
def help_(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Explain hivectl, or one of its commands."""
    cli.main([*command, "--help"], "hivectl", standalone_mode=False, obj=ctx.obj)


@cli.command("man")
@click.argument("page", type=click.Choice(tuple(PAGES)), default="hivectl")
def man(page: str) -> int:
    """Show a page of the manual, or print its roff where there is no terminal."""
    from hyperhive.hivectl.manual import show

    return show(page)


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    In the shell's start-up file: eval "$(hivectl completion bash)" (or zsh), hivectl completion fish | source.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        # Not bash's own `source`, which starts a bash to learn its version.
        click.echo(ShellComplete.source(kind(cli, {}, "hivectl", "_HIVECTL_COMPLETE")))
