"""Lists as one file: all pages of them, whatever the limit, as CSV or JSON."""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from flask import Response, request, stream_with_context
from pydantic import BaseModel

from config_api.backend import backend
from config_api.web import table
from config_api.web.paging import MAX_LIMIT, Page
from config_api.web.shapes import Format

__all__ = ["CSV_TYPE", "JSON_TYPE", "Format", "attachment", "exported", "wanted_format"]

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"

Entry = TypeVar("Entry", bound=BaseModel)
Read: TypeAlias = Callable[[int, str | None], Coroutine[Any, Any, Page[Entry]]]  # by limit and cursor


def wanted_format(asked: Format | None) -> Format | None:
    """The format of the file that is asked for by name, or by Accept; None where a page is wanted."""
    if asked is not None:
        return asked
    return Format.CSV if request.accept_mimetypes.best_match([JSON_TYPE, CSV_TYPE]) == CSV_TYPE else None


async def exported(format_: Format, name: str, columns: Sequence[str], read: "Read[Entry]") -> Response:
    """All pages as a file; `columns` are those of the CSV. JSON has every field, in the form of a single page."""
    back = backend()
    first = await read(MAX_LIMIT, None)  # a fault shows before the answer begins

    def pages() -> Iterator[Page[Entry]]:
        page = first
        yield page
        while page.next_cursor is not None:
            page = back.run(read(MAX_LIMIT, page.next_cursor))
            yield page

    is_csv = format_ is Format.CSV
    pieces = _csv(columns, pages()) if is_csv else _json(pages())
    media_type = table.MEDIA_TYPE if is_csv else JSON_TYPE
    return attachment(stream_with_context(pieces), name=f"{name}.{format_}", media_type=media_type)


def attachment(pieces: Iterator[bytes] | Iterator[str] | bytes, *, name: str, media_type: str) -> Response:
    """A file that a browser saves and never shows."""
    response = Response(pieces, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _csv(columns: Sequence[str], pages: Iterable[Page[Entry]]) -> Iterator[str]:
    yield table.heading(columns)
    for page in pages:
        yield table.csv_text(columns, page.items)


def _json(pages: Iterable[Page[Entry]]) -> Iterator[str]:
    between = ""
    yield '{"items":['
    for page in pages:
        for entry in page.items:
            yield between + entry.model_dump_json()
            between = ","
    yield '],"next_cursor":null}'
