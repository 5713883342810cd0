"""The `dmarq` command. A subcommand is imported when it is called, so that help and completion answer at once."""

import sys
from typing import Any

import click

from dmarq.groups import LazyGroup, nobody_answered

COMMANDS = {
    "demo": ("dmarq.commands.demo:demo", "Run the whole system in a temporary directory, on sample emails."),
    "run": ("dmarq.commands.run:run", "Run the whole system on this machine."),
    "sign-in-link": ("dmarq.commands.sign_in_link:sign_in_link", "Print a link that signs a browser in, once."),
    "user": ("dmarq.commands.user:user", "List, add, change and disable the people who sign in."),
    "parse": ("dmarq.commands.parse:parse", "Read reports from files, without any server."),
    "import": ("dmarq.commands.imports:import_", "Send files through the running pipeline, each report once."),
    "status": ("dmarq.commands.status:status", "Show mailboxes, where every email is, and what waits."),
    "mailbox": ("dmarq.commands.mailbox:mailbox", "List, apply, test, pause, resume and fetch mailboxes."),
    "dead": ("dmarq.commands.dead:dead", "List, show, retry and discard dead letters."),
    "notify": ("dmarq.commands.notify:notify", "List channels and alerts, test a channel, mute what is known."),
    "events": ("dmarq.commands.events:events", "Print reports and events as JSON lines, as they come."),
    "domains": ("dmarq.commands.domains:domains", "Show domains, and whether one is ready for a stricter policy."),
    "sources": ("dmarq.commands.sources:sources", "Show who sends in your name, and what of it fails."),
    "reparse": ("dmarq.commands.reparse:reparse", "Read kept documents again, after a fix of the parser."),
    "anonymise": (
        "dmarq.commands.anonymise:anonymise",
        "Make a copy of an odd report that names nobody, for a bug report.",
    ),
    "backup": ("dmarq.commands.backup:backup", "Write everything that `dmarq run` keeps into one file."),
    "restore": ("dmarq.commands.backup:restore", "Make a data directory out of a backup."),
    "export": ("dmarq.commands.export:export", "Write everything out: the original files, and JSON lines."),
    "retention": ("dmarq.commands.retention:retention", "Show how much is kept, and what is due to go."),
    "erase": ("dmarq.commands.erase:erase", "Erase one email address from all that is kept."),
    "doctor": ("dmarq.commands.doctor:doctor", "Say why no reports arrive."),
}
"""Each subcommand: where it is ("module:attribute"), and its line in the help."""


@click.command(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
    except (click.Abort, KeyboardInterrupt) as stop:
        if nobody_answered(stop):
            click.echo("\ndmarq: nobody answered the question; --help says which option answers it", err=True)
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
    from pipeline.errors import EXIT_BAD_SETTINGS, EXIT_FAILED, leaves
    from pipeline.settings import SettingsError

    if isinstance(error, SettingsError):
        return EXIT_BAD_SETTINGS, [error]
    known = [leaf for leaf in leaves(error) if isinstance(leaf, EmbeddedError | OSError)]
    return (EXIT_FAILED, [_in_words(leaf) for leaf in known]) if known else None


def _in_words(error: Exception) -> str:
    """Of an error of the system the file and what is wrong with it, without its number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
