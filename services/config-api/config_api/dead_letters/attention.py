"""What needs somebody: dead letters with what can be done about them, and failed emails without a copy here."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from config_api.backend import Backend
from config_api.dead_letters.queries import MAX_LOOKED_AT, DeadLetterFilter, DeadLetterView, about_mail, find
from config_api.dead_letters.retry import SQL
from config_api.mails.queries import MailSummary
from config_api.web.paging import Page
from pipeline.contracts.dead_letter import history_of
from pipeline.contracts.topology import DEAD
from pipeline.errors import TryLater
from pipeline.jetstream.dead_letters import DeadLetters
from pipeline.jetstream.lag import holding

MAX_SHOWN = 25  # failed emails without a copy


@dataclass(frozen=True, slots=True)
class Attention:
    """`reasons` counts the dead letters, the most frequent reason first; `known` are their emails in the ledger.

    `without_copy` are failed emails that are no dead letter (any more), the newest first.
    """

    letters: Page[DeadLetterView]
    reasons: list[tuple[str, int]]
    known: dict[str, MailSummary] = field(default_factory=dict)
    without_copy: list[MailSummary] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many dead letters there are."""
        return sum(number for _, number in self.reasons)


async def read(backend: Backend, wanted: DeadLetterFilter, *, limit: int, cursor: str | None) -> Attention:
    """A page of it. Raises TryLater while the bus or the database is away."""
    letters = await find(backend.bus, wanted, limit=limit, cursor=cursor)
    reasons, mail_ids = await _counted(backend)
    shown = [view.mail_id for view in letters.items if view.mail_id]
    async with backend.database.connection() as connection:
        known = await connection.fetch(SQL["known"], shown)
        rest = await connection.fetch(SQL["without_copy"], mail_ids, wanted.mailbox_id, wanted.reason, MAX_SHOWN)
    found = [MailSummary.model_validate(dict(row)) for row in known]
    return Attention(
        letters=letters,
        reasons=reasons.most_common(),
        known={mail.mail_id: mail for mail in found},
        without_copy=[MailSummary.model_validate(dict(row)) for row in rest] if cursor is None else [],
    )


async def _counted(backend: Backend) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    mail_ids: list[str] = []
    async for dead_letter in DeadLetters(backend.bus).newest():
        counts[history_of(dead_letter.wire.headers).reason] += 1
        mail_id = about_mail(dead_letter).get("mail_id")
        if mail_id:
            mail_ids.append(mail_id)
        if counts.total() >= MAX_LOOKED_AT:
            break
    return counts, mail_ids


@dataclass(frozen=True, slots=True)
class Badges:
    """Numbers beside places in the navigation."""

    dead_letters: int = 0
    mailboxes: int = 0


async def badges(backend: Backend) -> Badges:
    """What to show on every page; nothing of what cannot be asked just now."""
    return Badges(dead_letters=await _or_none(_dead_letters(backend)), mailboxes=await _or_none(_mailboxes(backend)))


async def _or_none(ask: Any) -> int:
    try:
        return int(await ask)
    except TryLater:
        return 0


async def _dead_letters(backend: Backend) -> int:
    return (await holding(backend.bus.js, DEAD)).events


async def _mailboxes(backend: Backend) -> int:
    async with backend.database.connection() as connection:
        return int(await connection.fetchval(SQL["mailboxes_not_working"]))
