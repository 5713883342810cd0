"""`dmarq backup` and `dmarq restore`: the data directory of `dmarq run` as one file, and back."""

from pathlib import Path

import click

from dmarq.backup.whole import back_up
from dmarq.backup.whole import restore as restored
from dmarq.groups import end_by_signal, nobody_answered
from pipeline.settings import Settings

MIN_PASSPHRASE = 12  # characters

_file = click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
_backup = click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_passphrase_file = click.option(
    "--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help="Its first line is the passphrase."
)


@click.command()
@_file
@click.option("--data-dir", type=click.Path(path_type=Path), help="What to back up; default: DMARQ_DATA_DIR.")
@click.option("--encrypt", is_flag=True, help="Encrypt with a passphrase, which is asked for.")
@_passphrase_file
def backup(file: Path, *, data_dir: Path | None, encrypt: bool, passphrase_file: Path | None) -> None:
    """Write everything that `dmarq run` keeps into FILE: reports, settings, what is on its way, and all secrets.

    Stop `dmarq run` first: while it runs, nothing is written and the exit status is 1, because NATS and PostgreSQL
    would be of different moments. What arrives meanwhile waits in the mailboxes. FILE holds the keys to the mailbox
    passwords: encrypt it, or keep it as you keep those. It is there in full, or not at all.

    \b
    Examples:
      dmarq backup /backup/dmarq-2026-01-31
      dmarq backup /backup/dmarq-2026-01-31 --encrypt
      dmarq backup /backup/dmarq-2026-01-31 --passphrase-file /etc/dmarq/backup.passphrase
    """
    end_by_signal()
    passphrase = ""
    if encrypt or passphrase_file:
        passphrase = _passphrase(passphrase_file, is_new=True)
    directory = data_dir or Settings.load().data_dir
    made = back_up(directory, file, passphrase=passphrase)
    size = file.stat().st_size
    click.echo(f"{file}: {size:,} bytes{', encrypted' if passphrase else ''}, of dmarq {made.dmarq}")


@click.command()
@_backup
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where to; default: DMARQ_DATA_DIR.")
@_passphrase_file
def restore(file: Path, *, data_dir: Path | None, passphrase_file: Path | None) -> None:
    """Make a data directory out of FILE, which `dmarq backup` wrote. The directory must be empty or not exist.

    Afterwards `dmarq run` goes on where it was when the backup was made: emails that came since are fetched, those that
    were fetched since and are still in their folder are fetched again. The directory is there in full, or not at all.

    \b
    Examples:
      dmarq restore /backup/dmarq-2026-01-31
      dmarq restore /backup/dmarq-2026-01-31 --data-dir /srv/dmarq --passphrase-file /etc/dmarq/backup.passphrase
    """
    end_by_signal()
    directory = data_dir or Settings.load().data_dir
    made = restored(file, directory, passphrase=lambda: _passphrase(passphrase_file, is_new=False))
    click.echo(f"{directory}: restored as of {made.made_at}, of dmarq {made.dmarq}; start it with dmarq run")


def _passphrase(file: Path | None, *, is_new: bool) -> str:
    if file is None:
        try:
            typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new, err=True)
        except click.Abort as stop:
            if not nobody_answered(stop):
                raise
            raise click.ClickException("nobody typed the passphrase: name its file with --passphrase-file") from None
    else:
        try:
            with file.open(encoding="utf-8") as lines:
                typed = lines.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException(f"{file} is not UTF-8") from None
    if is_new and len(typed) < MIN_PASSPHRASE:
        raise click.ClickException(f"the passphrase needs at least {MIN_PASSPHRASE} characters")
    if not typed:
        raise click.ClickException("the passphrase is empty")
    return typed
