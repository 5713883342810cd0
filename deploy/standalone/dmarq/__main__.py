"""The `dmarq` command. A subcommand is imported when it is called, so that help and completion answer at once."""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "demo": ("dmarq.commands.demo:demo", "Run the whole system in a temporary directory, on sample mails."),
    "run": ("dmarq.commands.run:run", "Run the whole system on this machine."),
    "sign-in-link": ("dmarq.commands.sign_in_link:sign_in_link", "Print a link that signs a browser in, once."),
    "parse": ("dmarq.commands.parse:parse", "Read reports from files, without any server."),
    "import": ("dmarq.commands.imports:import_", "Send files through the running pipeline, each report once."),
    "status": ("dmarq.commands.status:status", "Show mailboxes, where every mail is, and what waits."),
    "mailbox": ("dmarq.commands.mailbox:mailbox", "List, test, pause, resume and fetch mailboxes."),
    "dead": ("dmarq.commands.dead:dead", "List, show, retry and discard dead letters."),
    "notify": ("dmarq.commands.notify:notify", "List channels and alerts, test a channel, mute what is known."),
    "reparse": ("dmarq.commands.reparse:reparse", "Read kept documents again, after a fix of the parser."),
    "anonymise": (
        "dmarq.commands.anonymise:anonymise",
        "Make a copy of an odd report that names nobody, for a bug report.",
    ),
    "doctor": ("dmarq.commands.doctor:doctor", "Say why no reports arrive."),
}
"""Each subcommand: where it is ("module:attribute"), and its line in the help."""


class LazyGroup(click.Group):
    """A group whose commands are named in a table and imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command itself, imported now; None for a name that is not in the table."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest name when there is no such command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else " Try dmarq --help."
            ctx.fail(f'There is no command "{args[0]}".{hint}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table in the help, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dmarq", message="dmarq %(version)s")
def dmarq() -> None:
    """DMARC reports from a mailbox into a database.

    \b
    Try it:            dmarq demo --mails 200
    Run it:            dmarq run
    Read some files:   dmarq parse reports/
    """


def main() -> int:
    """Runs the command; gives the exit status."""
    try:
        dmarq.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (Exception, BaseExceptionGroup) as error:
        said = _said(error)
        if said is None:
            raise
        status, lines = said
        for line in lines:
            click.echo(f"dmarq: {line}", err=True)
        return status
    return 0


def _said(error: BaseException) -> tuple[int, list[Any]] | None:
    """The exit status and the lines for a person, for what a user can act on; None for a fault of ours."""
    from dmarq.embedded import EmbeddedError
    from pipeline.errors import leaves
    from pipeline.runtime.service import EXIT_BAD_SETTINGS, EXIT_FAILED
    from pipeline.settings import SettingsError

    if isinstance(error, SettingsError):
        return EXIT_BAD_SETTINGS, [error]
    known = [leaf for leaf in leaves(error) if isinstance(leaf, EmbeddedError | OSError)]
    return (EXIT_FAILED, known) if known else None


if __name__ == "__main__":
    sys.exit(main())
