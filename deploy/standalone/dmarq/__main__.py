"""The `dmarq` command."""

import sys

import click

from dmarq.commands.dead import dead
from dmarq.commands.demo import demo
from dmarq.commands.doctor import doctor
from dmarq.commands.imports import import_
from dmarq.commands.mailbox import mailbox
from dmarq.commands.parse import parse
from dmarq.commands.reparse import reparse
from dmarq.commands.run import run
from dmarq.commands.sign_in_link import sign_in_link
from dmarq.commands.status import status
from dmarq.embedded import EmbeddedError
from pipeline.errors import leaves
from pipeline.service import EXIT_BAD_SETTINGS, EXIT_FAILED
from pipeline.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def dmarq() -> None:
    """DMARC reports from a mailbox into a database.

    \b
    Try it:            dmarq demo --mails 200
    Run it:            dmarq run
    Read some files:   dmarq parse reports/
    """


for command in (demo, run, sign_in_link, parse, import_, status, mailbox, dead, reparse, doctor):
    dmarq.add_command(command)


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
    except SettingsError as error:
        click.echo(f"dmarq: {error}", err=True)
        return EXIT_BAD_SETTINGS
    except (EmbeddedError, OSError, BaseExceptionGroup) as error:
        known = [leaf for leaf in leaves(error) if isinstance(leaf, EmbeddedError | OSError)]
        if not known:
            raise
        for leaf in known:
            click.echo(f"dmarq: {leaf}", err=True)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
