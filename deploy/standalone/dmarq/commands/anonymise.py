"""`dmarq anonymise`: a copy of an email or a report to attach to a bug report."""

import sys
from pathlib import Path
from typing import BinaryIO

import click

from pipeline.anonymise import anonymised
from pipeline.settings import Settings


@click.command()
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the copy here, not to the terminal."
)
def anonymise(file: BinaryIO, output: Path | None) -> None:
    """Write a copy of an email or a report with others in the place of its names, addresses and numbers.

    The same word is always replaced by the same one; structure, sizes and oddities stay, also inside base64, gzip and
    zip. What cannot be unwrapped is blanked. Look through the copy before you attach it to a bug report. FILE "-" is
    standard input.

    \b
    Examples:
      dmarq anonymise odd.eml -o odd-anonymised.eml
      dmarq dead show 17 --mail odd.eml && dmarq anonymise odd.eml > to-attach.eml
    """
    limit = Settings.load().limits.max_mail_bytes
    data = file.read(limit + 1)
    if len(data) > limit:
        raise click.ClickException(f"{file.name}: larger than the mail limit of {limit} bytes")
    copy = anonymised(data)
    if output is None:
        sys.stdout.buffer.write(copy)
    else:
        output.write_bytes(copy)
