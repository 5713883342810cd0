"""Finding emails by UID. What a server cannot search, the headers decide later; it is asked once a session.

The steps from what is wanted to what every server can do:

    UID SEARCH RETURN (ALL) ...   where ESEARCH is advertised
    UID SEARCH ...                with senders, subjects and the date
    UID SEARCH UID ... SINCE ...  without text
    UID SEARCH UID ...            without the date
    UID FETCH ... (UID)           where there is no UID SEARCH
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from fetcher.imap.grammar.answers import found_uids
from fetcher.imap.grammar.arguments import Argument, Criteria, lines
from fetcher.imap.grammar.faults import Status, category_of
from fetcher.imap.grammar.fetch_answer import uids_told
from fetcher.imap.transport.connection import SEARCH, Connection, Reply
from pipeline.contracts.connection_test import Category

FETCH = frozenset((b"FETCH",))
# RFC 2683 section 3.2.1.5
MAX_COMMAND_BYTES = 7000


async def search(connection: Connection, criteria: Criteria) -> list[int]:
    """The UIDs that the server finds, in rising order; perhaps too many, as servers search loosely."""
    wanted = _searchable(connection, criteria)
    reply = await _searched(connection, wanted)
    for simpler in _simpler(wanted):
        if not _is_beyond(reply.status):
            break
        refused, reply = reply.status, await _searched(connection, simpler)
        if reply.status.ok:
            connection.cannot_search |= {"text"} if simpler.since else {"text", "date"}
            connection.log("info", "search_by_headers", {"why": "the server cannot search", "text": refused.text})
    if reply.status.result == "BAD" and _is_beyond(reply.status):
        return await _listed(connection, criteria, refused=reply)
    return [uid for uid in await _read(reply) if criteria.wanted(uid)]


async def _read(reply: Reply) -> list[int]:
    """In a thread, as a million UIDs take half a second."""
    return await asyncio.to_thread(reply.required().read, found_uids)


async def _searched(connection: Connection, criteria: Criteria) -> Reply:
    charset = ("CHARSET", "UTF-8") if criteria.charset_needed else ()
    keys: Sequence[Argument] = (*charset, *criteria.keys())
    if "ESEARCH" not in connection.capabilities:
        return await connection.ask("UID SEARCH", *keys, wanted=SEARCH)
    returning = await connection.ask("UID SEARCH", "RETURN", "(ALL)", *keys, wanted=SEARCH)
    if returning.status.result != "BAD":
        return returning
    reply = await connection.ask("UID SEARCH", *keys, wanted=SEARCH)
    if reply.status.ok:
        connection.refuses("ESEARCH", returning.status)
    return reply


async def _listed(connection: Connection, criteria: Criteria, *, refused: Reply) -> list[int]:
    uid_set = f"{criteria.after_uid + 1}:{criteria.up_to_uid or '*'}"
    reply = await connection.ask("UID FETCH", uid_set, "(UID)", wanted=FETCH)
    told = reply.read(uids_told) if reply.status.ok else []
    if not told:  # "9:*" names the last email at least, so that nothing is no answer
        refused.required()
    return [uid for uid in told if criteria.wanted(uid)]


def _searchable(connection: Connection, criteria: Criteria) -> Criteria:
    """Without what this server cannot search as we mean it."""
    too_long = len(lines(criteria.keys())[0]) > MAX_COMMAND_BYTES
    if _matches_whole_words(connection) or too_long or "text" in connection.cannot_search:
        criteria = criteria.without_text()
    return replace(criteria, since=None) if "date" in connection.cannot_search else criteria


def _simpler(criteria: Criteria) -> list[Criteria]:
    """What to ask instead, step by step."""
    steps = []
    if criteria.senders or criteria.subjects:
        steps.append(criteria.without_text())
    if criteria.since is not None:
        steps.append(replace(criteria.without_text(), since=None))
    return steps


def _is_beyond(status: Status) -> bool:
    """Whether a refusal can mean that the server does not know what was asked: it is not busy, and denies nothing."""
    return not status.ok and category_of(status) in (None, Category.PERMISSIONS) and status.code != "SERVERBUG"


def _matches_whole_words(connection: Connection) -> bool:
    """Gmail and Exchange search an index of words: "eport" does not find "Report", as a substring must."""
    return "X-GM-EXT-1" in connection.capabilities or "Microsoft Exchange" in connection.greeting
