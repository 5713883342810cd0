"""All that `dmarq import` reads: files, those of other tools as the reports in them, and databases of other tools."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from dmarq.foreign import found_in
from dmarq.foreign.database import NothingKnown, of_database
from dmarq.foreign.document import Found
from dmarq.inputs import Input, inputs

LARGE: Final = 256 * 1024  # bytes; a larger document travels compressed
_DATABASE: Final = ("postgresql://", "postgres://")


def everything(paths: Iterable[str], *, max_bytes: int) -> Iterator[Input]:
    """One input a file, email or report of another tool; databases are told by their URL."""
    for path in paths:
        if path.startswith(_DATABASE):
            yield from _of_database(path)
        else:
            yield from inputs([Path(path)], max_bytes=max_bytes, opened=_opened)


def _opened(file: BinaryIO, path: Path) -> Iterator[Input] | None:
    found = found_in(file, name=path.name)
    return None if found is None else (_input(one, str(path.parent)) for one in found)


def _of_database(url: str) -> Iterator[Input]:
    shown = _without_secrets(url)
    with asyncio.Runner() as runner:
        found = of_database(url)
        try:
            while (one := runner.run(_next(found))) is not None:
                yield _input(one, shown)
        except (NothingKnown, OSError) as error:
            yield Input(shown, error=str(error))
        finally:
            runner.run(found.aclose())


def _without_secrets(url: str) -> str:
    """Host and name of the database: a password may stand before the host, and among the parameters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the database"
    return parts.netloc.rpartition("@")[2] + parts.path


async def _next(found: AsyncIterator[Found]) -> Found | None:
    return await anext(found, None)


def _input(found: Found, place: str) -> Input:
    label = f"{place}/{found.name}"
    if found.refused:
        return Input(label, error=found.refused, tool=found.tool)
    data = gzip.compress(found.data, mtime=0) if len(found.data) > LARGE else found.data
    return Input(label, data, tool=found.tool)
