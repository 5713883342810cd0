"""Which emails of a folder match the filters, a window at a time: a search in many texts takes a server long."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from fetcher.imap import ImapSession
from fetcher.reading.filters import criteria_for
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Filters

WINDOW_MAILS = 2000
STRAIN = frozenset((Category.THROTTLED, Category.TIMEOUT))  # a server says so, or falls silent, that is asked too much


def windows(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """These UIDs in pieces, each to be searched at once."""
    return (uids[start : start + WINDOW_MAILS] for start in range(0, len(uids), WINDOW_MAILS))


async def matching(session: ImapSession, filters: Filters, window: Sequence[int], *, now: datetime) -> frozenset[int]:
    """The UIDs that the server finds to match the filters; `window` is rising, and was found without any.

    An email that comes between two searches must not seem to be passed over. Raises ImapFault.
    """
    if filters == Filters():
        return frozenset(window)
    criteria = criteria_for(filters, now=now, after_uid=window[0] - 1, up_to_uid=window[-1])
    return frozenset(await session.search(criteria)).intersection(window)
