"""Lists as CSV for spreadsheets (RFC 4180). What a spreadsheet would take for a formula is made plain text."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO

from pydantic import BaseModel

MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_text(columns: Sequence[str], rows: Sequence[BaseModel]) -> str:
    """Each row a line with these fields."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([cell(getattr(row, column)) for column in columns])
    return buffer.getvalue()


def heading(columns: Sequence[str]) -> str:
    """The first line."""
    buffer = StringIO()
    csv.writer(buffer).writerow(columns)
    return buffer.getvalue()


def cell(value: object) -> str:
    """The value as text; a text that could be a formula is led by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    text = "; ".join(_flat(value))
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
        return
    if isinstance(value, BaseModel):
        yield " ".join(f"{name}={item}" for name, item in value if item is not None)
        return
    yield value.isoformat() if hasattr(value, "isoformat") else str(value)
