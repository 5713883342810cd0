"""The answers to STATUS, SELECT and SEARCH, as typed values. Each raises ValueError for nonsense."""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise

from fetcher.imap.grammar import uidset
from fetcher.imap.grammar.faults import parse_status
from fetcher.imap.grammar.tokens import Answer, number

_ALL = re.compile(rb" ALL ", re.IGNORECASE)
OPENS, CLOSES = b"()"


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """What STATUS tells; no email is touched, not even `\\Recent`. None for what the server leaves out."""

    mails: int
    unread: int
    uidvalidity: int | None
    uidnext: int | None


@dataclass(frozen=True, slots=True)
class Selected:
    """An open folder: its real name, and its state when it was opened. `uidnext` is None where the server is silent."""

    name: str
    uidvalidity: int
    uidnext: int | None
    mails: int
    read_only: bool


def folder_status(answers: Iterable[Answer]) -> FolderStatus:
    """`* STATUS "INBOX" (MESSAGES 17 UNSEEN 2 UIDVALIDITY 1 UIDNEXT 18)`; the folder's name may be written anyhow."""
    for answer in answers:
        told = _told(answer[-1])
        if told is not None:
            uidvalidity, uidnext = told.get("UIDVALIDITY"), told.get("UIDNEXT")
            return FolderStatus(told.get("MESSAGES", 0), told.get("UNSEEN", 0), uidvalidity or None, uidnext or None)
    raise ValueError("no STATUS answer")


def selected(name: str, answers: Iterable[Answer], *, read_only: bool) -> Selected | None:
    """What a SELECT told in its untagged answers; None where that was no UIDVALIDITY."""
    codes: dict[str, str] = {}
    mails = 0
    for answer in answers:
        head, _, rest = answer[0][2:].partition(b" ")
        if head.isdigit() and rest.strip().upper() == b"EXISTS":
            mails = number(head)
        elif head.upper() == b"OK":
            status = parse_status(answer[0][2:])
            codes[status.code] = status.details
    uidvalidity, uidnext = (number(codes.get(name, "").strip().encode()) for name in ("UIDVALIDITY", "UIDNEXT"))
    return Selected(name, uidvalidity, uidnext or None, mails, read_only) if uidvalidity else None


def found_uids(answers: Iterable[Answer]) -> list[int]:
    """The UIDs of `* SEARCH 1 5 6` or `* ESEARCH (TAG "A1") UID ALL 1,5:6` (RFC 4731), in rising order, each once.

    Raises ValueError for more than `uidset.MAX_UIDS` of them. A million takes half a second.
    """
    uids = array("Q")
    for answer in answers:
        kind = answer[0][2:11].partition(b" ")[0].upper()
        if kind == b"SEARCH":
            _add_all(uids, answer[0])
        elif kind == b"ESEARCH":
            uidset.add_set(uids, answer[0], *_place_of_all(answer[0]))
        if len(uids) > uidset.MAX_UIDS:
            raise ValueError(f"more than {uidset.MAX_UIDS} UIDs in one answer")
    rising = sorted(uids)
    if any(one == next_one for one, next_one in pairwise(rising)):
        return [uid for uid, _ in groupby(rising)]
    return rising


def _add_all(uids: "array[int]", line: bytes) -> None:
    """The numbers of a line such as `* SEARCH 1 5 6`; nothing of it is copied but a piece at a time."""
    for piece in uidset.pieces(line, b" ", start=len("* SEARCH")):
        uids.extend(int(word) for word in piece.split() if len(word) <= uidset.MAX_DIGITS and word.isdigit())
        if len(uids) > uidset.MAX_UIDS:
            return


def _place_of_all(line: bytes) -> tuple[int, int]:
    """Where the set behind ALL stands in the answer to a SEARCH with RETURN; it is empty where nothing was found."""
    found = _ALL.search(line)
    if found is None:
        return 0, 0
    end = line.find(b" ", found.end())
    return found.end(), end if end >= 0 else len(line)


def _told(line: bytes) -> dict[str, int] | None:
    """Names and numbers in the last parentheses; what is nested or no number is left out."""
    inside = line.strip()
    opened = inside.find(b"(") if inside.startswith(b"(") else _opening(inside)
    if opened < 0 or not inside.endswith(b")"):
        return None
    words = inside[opened + 1 : -1].decode("ascii", "replace").split()
    return {name.upper(): number(value.encode()) for name, value in pairwise(words) if value.isdecimal()}


def _opening(line: bytes) -> int:
    """Where the parenthesis opens that closes at the end of the line."""
    depth = 0
    for place in range(len(line) - 1, -1, -1):
        depth += (line[place] == CLOSES) - (line[place] == OPENS)
        if depth == 0:
            return place if line[place] == OPENS else -1
    return -1
