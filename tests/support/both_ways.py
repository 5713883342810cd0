"""What an aggregate report says: as it is read, and with every record read through the tree."""

import gzip
from typing import Any

import pytest

from parser.kinds.aggregate import reader
from parser.kinds.registry import DEFAULT_LIMITS, read
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.errors import Rejected

Said = tuple[Any, ...]


def said(document: str | bytes, *, limits: Limits = DEFAULT_LIMITS) -> Said:
    """The report and its rows, or that it was refused: which of several faults is told depends on how it is read."""
    data = document if isinstance(document, bytes) else document.encode()
    try:
        with read(gzip.compress(data, 1), format=DocumentFormat.XML, limits=limits) as reading:
            return reading.report, list(reading.rows)
    except Rejected:
        return ("refused",)


def said_through_the_tree(document: str | bytes, *, limits: Limits = DEFAULT_LIMITS) -> Said:
    """The same, with nothing taken out of the text before it is parsed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "Runs", lambda: None)
        return said(document, limits=limits)
