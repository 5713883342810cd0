"""What is told of mails before they are downloaded; those of which the server tells nothing hold up no others."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from fetcher.imap import ImapSession, Meta, Withheld
from fetcher.withheld import Patience


@dataclass(frozen=True, slots=True)
class Measured:
    """`given_up`: mails that the server has told nothing of for too long. `complaint`: it told nothing of its mails,
    and is asked again in the next round.
    """

    metas: Sequence[Meta] = ()
    given_up: Sequence[int] = ()
    complaint: Withheld | None = None

    @property
    def gaps(self) -> frozenset[int]:
        """The mails to be asked for again."""
        return self.complaint.uids if self.complaint else frozenset()


async def measure(session: ImapSession, uids: Sequence[int], *, headers: bool, patience: Patience) -> Measured:
    """Size, date and flags of these mails, with `headers` From and Subject too. Raises ImapFault."""
    given_up = patience.given_up(monotonic()).intersection(uids)
    asked = [uid for uid in uids if uid not in given_up]
    if not asked:
        return Measured(given_up=sorted(given_up))
    complaint = None
    try:
        metas = await session.fetch_meta(asked, headers=headers, alone=patience.alone())
    except Withheld as fault:
        patience.withheld(fault.uids, monotonic())
        patience.given(fault.told, monotonic())
        if not session.alive:
            raise
        metas, complaint = await _of_others(session, asked, fault, headers=headers), fault
    patience.given((meta.uid for meta in metas), monotonic())
    return Measured(metas, sorted(given_up), complaint)


async def with_headers(session: ImapSession, metas: Sequence[Meta], *, patience: Patience) -> Sequence[Meta]:
    """The same with From and Subject, where the server gives them out. Raises ImapFault."""
    if not metas:
        return metas
    try:
        return await session.fetch_meta([meta.uid for meta in metas], headers=True)
    except Withheld as fault:
        patience.withheld(fault.uids, monotonic())
        if not session.alive:
            raise
        return metas


async def _of_others(session: ImapSession, asked: Sequence[int], fault: Withheld, *, headers: bool) -> list[Meta]:
    others = [uid for uid in asked if uid not in fault.uids]
    return await session.fetch_meta(others, headers=headers) if others else []
