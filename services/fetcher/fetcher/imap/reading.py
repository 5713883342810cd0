"""Finding mails and fetching them. Nothing here changes a mail: bodies are read with PEEK."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from fetcher.imap import uidset
from fetcher.imap.answers import found_uids
from fetcher.imap.connection import Connection, Reply
from fetcher.imap.criteria import Criteria
from fetcher.imap.faults import ImapFault
from fetcher.imap.fetch_answer import Fetched, Meta, bodies, metas
from fetcher.imap.quoting import lines
from fetcher.imap.wire import Answer
from pipeline.connection import Category
from pipeline.limits import MiB

T = TypeVar("T")
FETCH = frozenset((b"FETCH",))
SEARCH = frozenset((b"SEARCH", b"ESEARCH"))
META_ITEMS = "UID RFC822.SIZE INTERNALDATE FLAGS"
HEADER_ITEM = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]"
MAX_METAS_A_COMMAND = 500
MAX_BODIES_A_COMMAND = 100
MAX_BYTES_A_COMMAND = 8 * MiB
# RFC 2683 section 3.2.1.5
MAX_COMMAND_BYTES = 7000


async def search(connection: Connection, criteria: Criteria) -> list[int]:
    """The UIDs that the server finds, in rising order; perhaps too many, as servers search loosely."""
    if _matches_whole_words(connection) or len(lines(criteria.keys())[0]) > MAX_COMMAND_BYTES:
        criteria = criteria.without_text()
    reply = await _search(connection, criteria)
    if not reply.status.ok and criteria.charset_needed:
        connection.log("info", "search_by_headers", {"why": "the server cannot search", "text": reply.status.text})
        reply = await _search(connection, criteria.without_text())
    return [uid for uid in reply.required().read(found_uids) if criteria.wanted(uid)]


async def fetch_meta(connection: Connection, uids: Iterable[int], *, headers: bool) -> list[Meta]:
    """Size, date and flags, with `headers` the From and Subject fields too, by rising UID. Vanished mails are left out.

    Raises ImapFault when the server keeps a mail back that it still has.
    """
    items = f"({META_ITEMS} {HEADER_ITEM})" if headers else f"({META_ITEMS})"
    found: list[Meta] = []
    for chunk in _by_number(sorted(set(uids))):
        told = await _fetch(connection, chunk, items, metas)
        found += (told[uid] for uid in chunk if uid in told)
    return found


async def fetch_bodies(connection: Connection, wanted: Iterable[Meta], *, max_bytes: int) -> AsyncIterator[Fetched]:
    """The mails' bytes, by rising UID, one for each meta; memory holds one command's worth.

    A mail is cut off by the server above `max_bytes`, whatever its size was said to be. Raises ImapFault when the
    server keeps a mail back that it still has.
    """
    item = f"(UID BODY.PEEK[]<0.{max_bytes + 1}>)"
    for chunk in _by_size(sorted(wanted, key=lambda meta: meta.uid)):
        told = await _fetch(connection, chunk, item, partial(bodies, max_bytes=max_bytes))
        for uid in chunk:
            yield told.pop(uid, Fetched(uid, None))


async def _search(connection: Connection, criteria: Criteria) -> Reply:
    returning = ("RETURN", "(ALL)") if "ESEARCH" in connection.capabilities else ()
    charset = ("CHARSET", "UTF-8") if criteria.charset_needed else ()
    return await connection.ask("UID SEARCH", *returning, *charset, *criteria.keys(), wanted=SEARCH)


async def _fetch(
    connection: Connection, uids: Sequence[int], items: str, read: Callable[[Sequence[Answer]], dict[int, T]]
) -> dict[int, T]:
    told: dict[int, T] = {}
    for uid_set in uidset.chunks(uids, max_uids=len(uids)):
        told |= (await connection.ask("UID FETCH", uid_set, items, wanted=FETCH)).required().read(read)
    await _ensure_gone(connection, set(uids) - told.keys())
    return told


async def _ensure_gone(connection: Connection, missing: set[int]) -> None:
    """Some servers answer OK and leave mails out when they are busy; to pass over those would lose them."""
    for uid_set in uidset.chunks(missing, max_uids=MAX_METAS_A_COMMAND):
        reply = await connection.ask("UID SEARCH", "UID", uid_set, wanted=SEARCH)
        kept_back = missing.intersection(reply.required().read(found_uids))
        if kept_back:
            raise ImapFault(Category.THROTTLED, f"the server keeps {len(kept_back)} mails back: try again later")


def _by_number(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + MAX_METAS_A_COMMAND] for start in range(0, len(uids), MAX_METAS_A_COMMAND))


def _by_size(metas: Iterable[Meta]) -> Iterator[list[int]]:
    chunk: list[int] = []
    size = 0
    for meta in metas:
        if chunk and (len(chunk) >= MAX_BODIES_A_COMMAND or size + meta.size > MAX_BYTES_A_COMMAND):
            yield chunk
            chunk, size = [], 0
        chunk.append(meta.uid)
        size += meta.size
    if chunk:
        yield chunk


def _matches_whole_words(connection: Connection) -> bool:
    """Gmail and Exchange search an index of words: "eport" does not find "Report", as a substring must."""
    return "X-GM-EXT-1" in connection.capabilities or "Microsoft Exchange" in connection.greeting
