"""Groups of commands that answer a mistyped name with the nearest one; the large one imports a command when called. And
how every command ends by a signal.
"""

import signal
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click


class CommandGroup(click.Group):
    """A group that knows what was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest name when there is no such command."""
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            near = get_close_matches(args[0], names, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else f" Try {ctx.command_path} --help."
            ctx.fail(f'There is no command "{args[0]}".{hint}')
        return super().resolve_command(ctx, args)


class LazyGroup(CommandGroup):
    """A group whose commands are named in a table: where each is ("module:attribute"), and its line in the help."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the table's order."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command itself, imported now; None for a name that is not in the table."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table in the help, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self._table.items()])


def end_by_signal() -> None:
    """From now on both raise KeyboardInterrupt in the main thread.

    A shell without job control, `nohup` and many CI runners start what they put into the background with SIGINT
    ignored; Python leaves it so, and a command would not end by it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def nobody_answered(stop: BaseException) -> bool:
    """Whether a question ended because there was no terminal, or no more input; not because somebody pressed Ctrl-C."""
    return isinstance(stop.__context__, EOFError)
