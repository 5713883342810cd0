"""Which emails left a folder by an action of ours, so that one that comes back is recognised; bounded, in memory.

An email is known by its bytes and the date on which the server received it, which a move keeps (RFC 6851 section 3.3).
Where the server moves an email to where it was, it comes back under another UID: it must not be moved once more.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

MOST = 50_000  # emails of one mailbox
RETURNS_WITHOUT_ID = 3  # of an email without a Message-ID: there may be several of the same bytes
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_BYTES = 16_384

Place = tuple[str, int, int]
"""Folder, uidvalidity, UID."""

Print = tuple[int, datetime | None, int]
"""Size in bytes, the server's date, a hash of the bytes that holds in this process."""


class Departed:
    """Of one mailbox. `returned_to`: the folders in which an email came back."""

    def __init__(self) -> None:
        self._present: OrderedDict[Place, Print] = OrderedDict()
        self._gone: OrderedDict[Print, tuple[Place, int]] = OrderedDict()
        self.returned_to: set[str] = set()

    def came(self, place: Place, body: bytes, internal_date: datetime | None) -> bool:
        """Notes an email that was fetched; whether it is one that left before."""
        mark = (len(body), internal_date, hash(body))
        allowed = 1 if _MESSAGE_ID.search(body, 0, _HEADER_BYTES) else RETURNS_WITHOUT_ID
        self._present[place] = mark
        _bound(self._present)
        left_from, times = self._gone.get(mark, (place, 0))
        came_back = left_from != place and left_from[0] == place[0] and times >= allowed
        if came_back:
            self.returned_to.add(place[0])
        return came_back

    def left(self, folder: str, uidvalidity: int, uids: Iterable[int]) -> None:
        """These were moved away, or deleted."""
        for uid in uids:
            place = (folder, uidvalidity, uid)
            mark = self._present.pop(place, None)
            if mark is not None:
                self._gone[mark] = (place, self._gone.pop(mark, (place, 0))[1] + 1)
        _bound(self._gone)


def _bound(kept: OrderedDict[Place, Print] | OrderedDict[Print, tuple[Place, int]]) -> None:
    while len(kept) > MOST:
        kept.popitem(last=False)
