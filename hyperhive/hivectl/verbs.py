"""What all commands have in common: the options, and the parts they are declared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from math import isnan
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hyperhive.hivectl.errands import Errand, Settings

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Section = tuple[str, tuple[str, ...]]
"""A module, and the names of the commands in it."""
F = TypeVar("F", bound=Callable[..., Any])


class Whole(click.IntRange):
    """A whole number that the wire can carry."""

    name = "whole number"


class Seconds(click.FloatRange):
    """A span of time that a clock can be set to."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse `nan` too, which lies in every range."""
        seconds = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a valid {self.name}.", param, ctx) if isnan(seconds) else seconds


ID = Whole(0, 2**63 - 1)
COUNT = Whole(1, 2**63 - 1)


class Verb(click.Command):
    """A command that asks the daemon; it takes the common options too, so that they may stand at the end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(common_options())


class Group(click.Group):
    """Commands in titled sections, imported when they are typed, and `aliases` that help does not list."""

    def __init__(self, *, sections: Mapping[str, Section], aliases: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sections = sections
        self.aliases = aliases

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for _, names in self._sections.values() for name in names] + super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = self.aliases.get(cmd_name, cmd_name)
        for module, names in self._sections.values():
            if name in names:
                found: Sequence[click.Command] = import_module(module).COMMANDS
                return next(command for command in found if command.name == name)
        return super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"There is no command {args[0]!r}{self._hint(ctx, args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        others = super().list_commands(ctx)
        for title, names in (*((title, names) for title, (_, names) in self._sections.items()), ("Others", others)):
            commands = [self.get_command(ctx, name) for name in names]
            rows = [(str(command.name), command.get_short_help_str(80)) for command in commands if command]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _hint(self, ctx: click.Context, typed: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(typed, self.list_commands(ctx), n=1)
        return f"; did you mean {near[0]!r}?" if near else "; hivectl --help lists them."


def verb(name: str, **attributes: Any) -> Callable[[Callable[..., Errand]], Verb]:
    """Declare a command; its function takes the parameters and gives the errand."""
    return click.command(name, cls=Verb, **attributes)


def common_options(envvar: str | None = None) -> list[click.Parameter]:
    """The options of every command; what they say goes to the Settings."""
    return [
        click.Option(
            ["--socket"], metavar="PATH", envvar=envvar, show_envvar=bool(envvar), type=click.Path(),
            expose_value=False, callback=remember, help="The daemon's socket.",
        ),
        click.Option(
            ["--json"], is_flag=True, expose_value=False, callback=remember,
            help="Print the daemon's answer as it came, a JSON object a line.",
        ),
        click.Option(
            ["--timeout"], metavar="SECONDS", type=Seconds(0, 1_000_000, min_open=True),
            expose_value=False, callback=remember,
            help="How long the daemon has: 10 s, for orders to agents 20 s, for work on agents as long as it takes.",
        ),
    ]  # fmt: skip


def wait_option(function: F) -> F:
    """`--wait/--no-wait`."""
    option = click.option("--wait/--no-wait", default=True, help="Return at the end of the operation, or at once.")
    return option(function)


def one_agent(function: F) -> F:
    """The argument NAME."""
    return click.argument("name", metavar="NAME", shell_complete=agent_names)(function)


def several_agents(function: F) -> F:
    """The arguments NAME..."""
    return click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=agent_names)(function)


def numbered(
    completing: Callable[[str | None], list[CompletionItem]] | None = None, metavar: str = "ID"
) -> Callable[[F], F]:
    """The argument ID, or what `metavar` calls it, completed by what `completing` finds at a socket."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found = completing(ctx.ensure_object(Settings).socket) if completing else []
        return [item for item in found if item.value.startswith(incomplete)]

    return click.argument("number", metavar=metavar, type=ID, shell_complete=complete)


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep an option's value among the Settings: the callback of what many commands have in common."""
    if value == "" and param.name == "socket":
        raise click.BadParameter("it is empty; name the daemon's socket, or leave the option out.", ctx, param)
    if value and param.name:
        setattr(ctx.ensure_object(Settings), param.name, value)
    return value


def agent_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of an agent."""
    from hyperhive.hivectl import completion

    taken = ctx.params.get(param.name or "") or ()
    found = completion.agents(ctx.ensure_object(Settings).socket)
    return [item for item in found if item.value.startswith(incomplete) and item.value not in taken]


def recipients(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete who can be written to: an agent, the operator, or everyone."""
    from click.shell_completion import CompletionItem

    others = (CompletionItem("operator"), CompletionItem("*", help="everyone"))
    return agent_names(ctx, param, incomplete) + [item for item in others if item.value.startswith(incomplete)]
