"""How far a folder was read: the cursor behind what is new, and the backfill that reads it again from the start.
Pure."""

from datetime import date, datetime
from hashlib import sha256
from typing import Self

from pydantic import BaseModel, ConfigDict

from pipeline.contracts.mailbox import Filters

GENERATION = 2**32


class Landmark(BaseModel):
    """An email by which a folder is recognised: its UID, and when the server received it, which never changes
    (RFC 3501 section 2.3.3).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    uid: int
    received_at: datetime


class Cursor(BaseModel):
    """Every email with a UID up to `last_uid` has been looked at with these filters.

    `filters` is a fingerprint: other filters may let through what was passed over before. `landmark`: the latest email
    that was fetched, by which a folder that was restored is noticed; None before the first.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    uidvalidity: int
    last_uid: int
    filters: str
    landmark: Landmark | None = None


def filters_fingerprint(filters: Filters) -> str:
    """Equal for filters that let the same mails through; the age limit counts, the order of words does not."""
    parts = (sorted(filters.subject_contains), sorted(filters.senders), filters.max_age_days)
    return sha256(repr(parts).encode()).hexdigest()[:16]


def server_uidvalidity(uidvalidity: int) -> int:
    """The server's part of a uidvalidity on our side."""
    return uidvalidity % GENERATION


def is_of(cursor: Cursor, uidvalidity: int) -> bool:
    """Whether the cursor was taken under this UIDVALIDITY of the server."""
    return server_uidvalidity(cursor.uidvalidity) == server_uidvalidity(uidvalidity)


def is_rewound(cursor: Cursor, uidnext: int | None) -> bool:
    """Whether the next UID to be given was given before, which a sound server never does (RFC 3501 section 2.3.1.1)."""
    return uidnext is not None and uidnext <= cursor.last_uid


def start_of(cursor: Cursor | None, *, uidvalidity: int, filters: Filters, rewound: bool = False) -> Cursor:
    """Where reading starts: at the cursor, or at the beginning when the folder was rebuilt or rewound, or the filters
    changed.
    """
    fingerprint = filters_fingerprint(filters)
    if cursor is None or not is_of(cursor, uidvalidity):
        return Cursor(uidvalidity=uidvalidity, last_uid=0, filters=fingerprint)
    if rewound:
        return Cursor(uidvalidity=cursor.uidvalidity + GENERATION, last_uid=0, filters=fingerprint)
    if cursor.filters != fingerprint:
        return cursor.model_copy(update={"last_uid": 0, "filters": fingerprint})
    return cursor


def advanced(cursor: Cursor, uid: int, landmark: Landmark | None = None) -> Cursor:
    """The cursor after every email up to `uid` was dealt with, the last one fetched being `landmark`; it never goes
    back.
    """
    known = max((it for it in (cursor.landmark, landmark) if it is not None), key=lambda it: it.uid, default=None)
    return cursor.model_copy(update={"last_uid": max(cursor.last_uid, uid), "landmark": known})


def above(cursor: Cursor, uids: list[int]) -> list[int]:
    """The UIDs above the cursor, ascending. A search for "n:*" gives the last mail even when it is below n
    (RFC 3501 section 6.4.8)."""
    return sorted(uid for uid in set(uids) if uid > cursor.last_uid)


class BackfillCursor(BaseModel):
    """The mails of a folder with UIDs in (last_uid, up_to_uid] are still to be read again.

    `since`: only those received on that day or later. `uidvalidity` None: it was asked for, and not begun.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: date | None = None
    uidvalidity: int | None = None
    last_uid: int = 0
    up_to_uid: int = 0

    def begun(self, *, uidvalidity: int, up_to_uid: int) -> Self:
        """The same, under way in the folder as it is now; from the beginning when the folder was rebuilt meanwhile.

        What lies above `up_to_uid` is new, and fetched for that.
        """
        if self.uidvalidity == uidvalidity:
            return self
        return self.model_copy(update={"uidvalidity": uidvalidity, "last_uid": 0, "up_to_uid": up_to_uid})

    def reached(self, uid: int) -> Self:
        """After every mail up to `uid` was dealt with; it never goes back."""
        return self.model_copy(update={"last_uid": max(self.last_uid, uid)})
