"""Which mails of a folder fit the filters, a window at a time: a search in many texts takes a server long."""

from collections.abc import Iterator, Sequence

from fetcher.fetch_run import Run
from fetcher.filters import criteria_for
from fetcher.imap import ImapSession
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Filters

WINDOW_MAILS = 2000
STRAIN = frozenset((Category.THROTTLED, Category.TIMEOUT))  # a server says so, or falls silent, that is asked too much


def windows(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """These UIDs in pieces, each to be searched at once."""
    return (uids[start : start + WINDOW_MAILS] for start in range(0, len(uids), WINDOW_MAILS))


async def fitting(session: ImapSession, run: Run, window: Sequence[int]) -> frozenset[int]:
    """The UIDs that the server finds to fit the filters; `window` is rising, and was found without any.

    A mail that comes between two searches must not seem to be passed over. Raises ImapFault.
    """
    filters = run.mailbox.settings.filters
    if filters == Filters():
        return frozenset(window)
    criteria = criteria_for(filters, now=run.started_at, after_uid=window[0] - 1, up_to_uid=window[-1])
    return frozenset(await session.search(criteria)).intersection(window)
