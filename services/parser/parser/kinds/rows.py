"""The rows of one report, in memory while they are few, in an unnamed temporary file when they are many; as JSON."""

import errno
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from pipeline.contracts.report import DkimResult, OverrideReason, Record, SpfResult
from pipeline.errors import TryLater

Json = dict[str, Any]

CHUNK_ROWS = 4096
NO_SPACE = frozenset((errno.ENOSPC, errno.EDQUOT))


def _unnamed() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="dmarq-rows-")


class RowSpool:
    """Rows in the report's order, to be read as often as needed and closed at the end.

    Memory stays flat: no more than `CHUNK_ROWS` rows are held, whatever the report's size. Append first, then iterate.
    """

    def __init__(self, temporary: Callable[[], IO[bytes]] = _unnamed) -> None:
        self._temporary = temporary
        self._tail: list[Record] = []
        self._file: IO[bytes] | None = None
        self._spooled = 0

    def append(self, row: Record) -> None:
        """Add a row at the end. Raises TryLater while the disk is full."""
        self._tail.append(row)
        if len(self._tail) >= CHUNK_ROWS:
            self._spool()

    def chunks(self) -> Iterator[list[Record]]:
        """The rows, from the first one, in lists of at most `CHUNK_ROWS`; none of them is empty."""
        if self._file is not None:
            yield from self._spooled_chunks(self._file)
        if self._tail:
            yield list(self._tail)

    def close(self) -> None:
        """Forget the rows and free the temporary file. Closing twice is harmless."""
        self._tail = []
        self._spooled = 0
        if self._file is not None:
            with suppress(OSError):  # what a full disk did not take
                self._file.close()
            self._file = None

    def _spool(self) -> None:
        try:
            self._file = self._file or self._temporary()
            self._file.seek(0, 2)
            pickle.dump(self._tail, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            raise TryLater("disk", f"no space for temporary files: {tempfile.gettempdir()}") from error
        self._spooled += len(self._tail)
        self._tail = []

    def _spooled_chunks(self, file: IO[bytes]) -> Iterator[list[Record]]:
        position = 0
        for _ in range(self._spooled // CHUNK_ROWS):
            file.seek(position)  # another iteration may have moved it
            rows: list[Record] = pickle.load(file)  # noqa: S301 - our own unnamed file, written by this object
            position = file.tell()
            yield rows

    def __iter__(self) -> Iterator[Record]:
        for chunk in self.chunks():
            yield from chunk

    def __len__(self) -> int:
        return self._spooled + len(self._tail)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def row_as_json(row: Record) -> Json:
    """One row, its results as objects."""
    source_ip, count, disposition, dkim, spf, reasons, header_from, envelope_from, envelope_to, signed, sent, raw = row
    return {
        "source_ip": source_ip,
        "count": count,
        "disposition": disposition,
        "dkim": dkim,
        "spf": spf,
        "reasons": reasons_as_json(reasons),
        "header_from": header_from,
        "envelope_from": envelope_from,
        "envelope_to": envelope_to,
        "dkim_results": dkim_as_json(signed),
        "spf_results": spf_as_json(sent),
        "raw": raw,
    }


# Written out, for there may be millions: `_asdict` takes four times as long.


def reasons_as_json(reasons: Iterable[OverrideReason]) -> list[Json]:
    """Override reasons as objects."""
    return [{"type": kind, "comment": comment} for kind, comment in reasons]


def dkim_as_json(results: Iterable[DkimResult]) -> list[Json]:
    """DKIM results as objects."""
    return [
        {"domain": domain, "selector": selector, "result": result, "human_result": human}
        for domain, selector, result, human in results
    ]


def spf_as_json(results: Iterable[SpfResult]) -> list[Json]:
    """SPF results as objects."""
    return [
        {"domain": domain, "scope": scope, "result": result, "human_result": human}
        for domain, scope, result, human in results
    ]
