"""What an aggregate report says: by the fast path, and with every record read through the tree."""

import gzip
from typing import Any, Final

from parser.kinds.aggregate.reader import AggregateReader
from parser.kinds.reading import Terms
from parser.kinds.registry import DEFAULT_LIMITS
from pipeline.contracts.limits import Limits
from pipeline.errors import Rejected

FAST: Final = AggregateReader()  # one for all, so that it has learnt when it reads the same again
PLAIN: Final = AggregateReader(is_fast=False)

Said = tuple[Any, ...]


def said(document: str | bytes, *, limits: Limits = DEFAULT_LIMITS, reader: AggregateReader = FAST) -> Said:
    """The report and its rows, or that it was refused: which of several faults is told depends on how it is read."""
    data = document if isinstance(document, bytes) else document.encode()
    try:
        with reader.read(gzip.compress(data, 1), Terms(limits=limits)) as reading:
            return reading.report, list(reading.rows)
    except Rejected:
        return ("refused",)


def said_through_the_tree(document: str | bytes, *, limits: Limits = DEFAULT_LIMITS) -> Said:
    """The same by the plain path."""
    return said(document, limits=limits, reader=PLAIN)
