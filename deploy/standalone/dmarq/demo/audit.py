"""Looks at the ledger, the bus and the mailbox, and says whether the promises were kept.

The promises are those of docs/architecture.md: a mail is touched only after its reports are committed; every fetched
mail has exactly one outcome; nothing is lost or stored twice; what failed is kept as a dead letter; other mail is left
alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dmarq.embedded import EmbeddedMailbox
from dmarq.samples import Totals
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.mailbox import Action, MailAction, MailboxSettings, Security
from pipeline.contracts.topology import DEAD
from pipeline.jetstream.bus import Bus
from pipeline.postgres.connection import Database

MAILBOX_ID = "demo"
PROCESSED = "Processed"


def demo_settings(mailbox: EmbeddedMailbox) -> MailboxSettings:
    """Poll at once and often, and move what was imported to a folder."""
    return MailboxSettings(
        name="Demo mailbox",
        host=mailbox.host,
        port=mailbox.account.port,
        security=Security.NONE,
        username=mailbox.account.username,
        poll_interval_minutes=1,
        on_processed=MailAction(action=Action.MOVE, folder=PROCESSED),
    )


def demo_mailboxes(mailbox: EmbeddedMailbox) -> str:
    """The value of DMARQ_MAILBOXES that configures it."""
    settings = demo_settings(mailbox).model_dump(mode="json")
    return json.dumps([{"id": MAILBOX_ID, "password": mailbox.account.password, **settings}])


def demo_account(mailbox: EmbeddedMailbox) -> Account:
    """How to look into it."""
    return Account.of(demo_settings(mailbox), secret=mailbox.account.password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the run has come to so far."""

    outcomes: Mapping[Outcome, int]
    fetched: int
    pending: int  # mails with a command that is not done yet
    acted_too_early: int
    moved: int
    reports: int
    records: int
    messages: int
    dead_letters: int

    @property
    def mails(self) -> int:
        """Mails in the ledger."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """How many mails the mailbox's folders hold."""

    inbox: int
    processed: int


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise, and what was found."""

    text: str
    is_kept: bool
    found: str


_FIGURES = """
SELECT
  (SELECT coalesce(sum(fetched), 0) FROM fetch_run)                   AS fetched,
  (SELECT count(*) FROM mail WHERE action_state = 'pending')          AS pending,
  (SELECT count(*) FROM mail WHERE acted_at < stored_at)              AS acted_too_early,
  (SELECT count(*) FROM mail WHERE action = 'move' AND action_state = 'done') AS moved,
  (SELECT count(*) FROM report)                                       AS reports,
  (SELECT coalesce(sum(record_count), 0) FROM report)                 AS records,
  (SELECT coalesce(sum(message_count), 0) FROM report)                AS messages
"""


async def figures(database: Database, bus: Bus) -> Figures:
    """The figures of this moment. Raises TryLater."""
    async with database.connection() as connection:
        row = await connection.fetchrow(_FIGURES)
        counts = await connection.fetch("SELECT outcome, count(*) AS mails FROM mail GROUP BY outcome")
    outcomes = {row["outcome"]: row["mails"] for row in counts}
    return Figures(
        outcomes={outcome: outcomes.get(outcome.value, 0) for outcome in Outcome},
        dead_letters=await bus.count(DEAD),
        **{name: int(value) for name, value in (row or {}).items()},
    )


async def folders(account: Account) -> Folders:
    """What is in the mailbox now. Raises ImapFault."""
    async with await ImapSession.open(account, log=lambda *_: None) as session:
        names = {folder.name for folder in await session.folders()}
        processed = (await session.status(PROCESSED)).mails if PROCESSED in names else 0
        return Folders(inbox=(await session.status("INBOX")).mails, processed=processed)


def promises(found: Figures, mailbox: Folders, expected: Totals) -> tuple[Promise, ...]:
    """Each promise, judged. Pure."""
    left_alone = found.outcomes[Outcome.FAILED] + found.outcomes[Outcome.NOT_A_REPORT]
    return (
        Promise(
            "a mail is touched only after its reports are committed",
            found.acted_too_early == 0 and mailbox.processed == found.moved,
            f"{found.acted_too_early} too early; {mailbox.processed} in {PROCESSED}, {found.moved} recorded as moved",
        ),
        Promise(
            "every fetched mail has exactly one outcome",
            found.fetched == found.mails == expected.mails and found.outcomes == expected.outcomes,
            f"fetched {found.fetched} = {' + '.join(f'{n} {o}' for o, n in found.outcomes.items())}",
        ),
        Promise(
            "nothing is lost, nothing is stored twice",
            (found.reports, found.records, found.messages) == (expected.reports, expected.records, expected.messages),
            f"{found.reports} of {expected.reports} reports, {found.records} of {expected.records} records, "
            f"{found.messages} of {expected.messages} messages",
        ),
        Promise(
            "what failed is kept as a dead letter",
            found.dead_letters == found.outcomes[Outcome.FAILED],
            f"{found.dead_letters} dead letters",
        ),
        Promise(
            "other mail is left alone",
            mailbox.inbox == left_alone,
            f"{mailbox.inbox} mails still in INBOX, {left_alone} were no good reports",
        ),
    )
