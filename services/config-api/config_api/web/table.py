"""Lists as CSV for spreadsheets (RFC 4180). What a spreadsheet would take for a formula is made plain text."""

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from itertools import dropwhile

from pydantic import BaseModel

MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA_STARTS = tuple("=+-@|%＝＋－＠")  # a spreadsheet takes the full-width signs for the others
_LINE_STARTS = ("\t", "\r", "\n")
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})  # Unicode categories: control, format, separators


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
    return f"'{text}" if text.startswith(_LINE_STARTS) or _seen(text).startswith(_FORMULA_STARTS) else text


def _seen(text: str) -> str:
    """The text from its first character that shows."""
    return "".join(dropwhile(lambda character: unicodedata.category(character) in _UNSEEN, text))


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
        return
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, Mapping):
        yield " ".join(f"{name}={' '.join(_flat(item))}" for name, item in value.items() if item is not None)
        return
    yield value.isoformat() if hasattr(value, "isoformat") else str(value)
