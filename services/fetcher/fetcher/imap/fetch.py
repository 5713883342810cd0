"""Fetching emails. Nothing here changes an email: bodies are read with PEEK."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from fetcher.imap.grammar import uidset
from fetcher.imap.grammar.faults import ImapFault, Withheld
from fetcher.imap.grammar.fetch_answer import MAX_HEADER_BYTES, Fetched, Meta, bodies, metas
from fetcher.imap.grammar.tokens import Answer
from fetcher.imap.transport.connection import Connection
from fetcher.imap.transport.wire import Allowance, literals_of
from pipeline.contracts.connection_test import Category
from pipeline.contracts.limits import MiB

T = TypeVar("T")
FETCH = frozenset((b"FETCH",))
META_ITEMS = "UID RFC822.SIZE INTERNALDATE FLAGS"
HEADER_ITEM = f"BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]<0.{MAX_HEADER_BYTES}>"
MAX_METAS_A_COMMAND = 500
MAX_BODIES_A_COMMAND = 100
MAX_BYTES_A_COMMAND = 8 * MiB


async def fetch_meta(
    connection: Connection, uids: Iterable[int], *, headers: bool, alone: Collection[int] = ()
) -> list[Meta]:
    """Size, date and flags, with `headers` From and Subject too, by rising UID. Vanished emails are left out.

    `alone`: UIDs to ask for one at a time. Raises Withheld, when all was asked, with the emails that did not come, and
    another ImapFault when the server throttles.
    """
    items = f"({META_ITEMS} {HEADER_ITEM})" if headers else f"({META_ITEMS})"
    found: list[Meta] = []
    gaps = _Gaps()
    for chunk in _by_number(_in_turn(set(uids), alone), alone):
        told, fault = await _fetch(connection, chunk, items, metas, allowance=None)
        found += (told[uid] for uid in chunk if uid in told)
        gaps.note(set(chunk) - told.keys(), fault)
        if _is_the_end(connection, fault):
            break
    gaps.complain(frozenset(meta.uid for meta in found))
    return sorted(found, key=lambda meta: meta.uid)


async def fetch_bodies(
    connection: Connection, wanted: Iterable[Meta], *, max_bytes: int, alone: Collection[int] = ()
) -> AsyncIterator[Fetched]:
    """The emails' bytes, by rising UID, one for each meta; memory holds one command's worth.

    An email is cut off by the server above `max_bytes`, whatever its size was said to be. `alone`: UIDs to ask for one
    at a time. Raises Withheld when emails do not come, after the others of the same command, and another ImapFault when
    the server throttles.
    """
    item = f"(UID BODY.PEEK[]<0.{max_bytes + 1}>)"
    gaps = _Gaps()
    by_uid = {meta.uid: meta for meta in wanted}
    for chunk in _by_size([by_uid[uid] for uid in _in_turn(by_uid, alone)], alone):
        allowance = literals_of(max_bytes + 1, sum(min(by_uid[uid].size, max_bytes) for uid in chunk))
        told, fault = await _fetch(connection, chunk, item, partial(bodies, max_bytes=max_bytes), allowance=allowance)
        gaps.note(set(chunk) - told.keys(), fault)
        for uid in chunk:
            yield told.pop(uid, Fetched(uid, None, withheld=fault is not None))
        if fault is not None and (chunk[0] not in alone or _is_the_end(connection, fault)):
            break
    gaps.complain()


async def is_no_longer(connection: Connection, uids: Collection[int], *, max_bytes: int) -> frozenset[int]:
    """Those of the emails that have no byte beyond `max_bytes`, whatever their size is said to be.

    One byte of each is asked for, behind the limit; a server that refuses that is believed in what it said.
    """
    short: set[int] = set()
    for uid_set in uidset.chunks(uids, max_uids=MAX_METAS_A_COMMAND):
        reply = await connection.ask("UID FETCH", uid_set, f"(UID BODY.PEEK[]<{max_bytes}.1>)", wanted=FETCH)
        if reply.status.ok:
            found = reply.read(partial(bodies, max_bytes=0))
            short |= {uid for uid, byte in found.items() if not byte.too_large}
    return frozenset(short.intersection(uids))


class _Gaps:
    """The emails that did not come, and why not."""

    def __init__(self) -> None:
        self._uids: set[int] = set()
        self._why: ImapFault | None = None

    def note(self, uids: set[int], fault: ImapFault | None) -> None:
        """These did not come, if there is a fault; else they are no longer there."""
        if fault is None:
            return
        self._uids |= uids
        self._why = fault if _is_overload(fault) else self._why or fault

    def complain(self, told: frozenset[int] = frozenset()) -> None:
        """Overload says nothing about single emails; anything else may be their own fault."""
        if self._why is not None:
            raise self._why if _is_overload(self._why) else Withheld(self._why, frozenset(self._uids), told)


def _in_turn(uids: Collection[int], alone: Collection[int]) -> list[int]:
    """By rising UID, but those to ask for alone at the end, in their order."""
    return [*sorted(set(uids).difference(alone)), *(uid for uid in alone if uid in uids)]


async def _fetch(
    connection: Connection,
    uids: Sequence[int],
    items: str,
    read: Callable[[Sequence[Answer]], dict[int, T]],
    *,
    allowance: Allowance | None,
) -> tuple[dict[int, T], ImapFault | None]:
    """What the server told, and why the rest, if there is any, did not come."""
    told: dict[int, T] = {}
    try:
        for uid_set in uidset.chunks(uids, max_uids=len(uids)):
            reply = await connection.ask("UID FETCH", uid_set, items, wanted=FETCH, allowance=allowance)
            told |= reply.read(read)  # also before a NO
            reply.required()
        await _ensure_gone(connection, set(uids) - told.keys())
    except ImapFault as fault:
        return told, fault if set(uids) - told.keys() else None
    return told, None


async def _ensure_gone(connection: Connection, missing: set[int]) -> None:
    """Some servers answer OK and leave emails out when they are busy; to pass over those would lose them."""
    for uid_set in uidset.chunks(missing, max_uids=MAX_METAS_A_COMMAND):
        kept_back = missing.intersection(await connection.find("UID", uid_set))
        if kept_back:
            detail = f"the server keeps {len(kept_back)} emails back: try again later"
            raise Withheld(ImapFault(Category.THROTTLED, detail), frozenset(kept_back))


def _is_overload(fault: ImapFault) -> bool:
    return fault.category is Category.THROTTLED and not isinstance(fault, Withheld)


def _is_the_end(connection: Connection, fault: ImapFault | None) -> bool:
    return connection.protocol.lost is not None or (fault is not None and _is_overload(fault))


def _by_number(uids: Iterable[int], alone: Collection[int]) -> Iterator[list[int]]:
    return _chunks(((uid, 0) for uid in uids), alone, most=MAX_METAS_A_COMMAND)


def _by_size(metas: Iterable[Meta], alone: Collection[int]) -> Iterator[list[int]]:
    return _chunks(((meta.uid, meta.size) for meta in metas), alone, most=MAX_BODIES_A_COMMAND)


def _chunks(sizes: Iterable[tuple[int, int]], alone: Collection[int], *, most: int) -> Iterator[list[int]]:
    """UIDs of emails with these sizes in bytes, as many as one command may ask for."""
    chunk: list[int] = []
    bytes_so_far = 0
    for uid, size in sizes:
        is_full = len(chunk) >= most or bytes_so_far + size > MAX_BYTES_A_COMMAND
        if chunk and (is_full or uid in alone or chunk[0] in alone):
            yield chunk
            chunk, bytes_so_far = [], 0
        chunk.append(uid)
        bytes_so_far += size
    if chunk:
        yield chunk
