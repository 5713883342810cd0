"""The mail ledger: which mails are known, and how they ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from parser.kinds.kind import Row
from parser.outcome import Conclusion
from pipeline.contracts.mail import LineOutcome, MailRef
from pipeline.contracts.mail_events import MailCommand, MailDied, MailExtracted, Outcome
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected, TryLater
from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements

SQL = Statements.of("parser.storage")

WITHOUT_BYTES = frozenset(
    {Reason.MAIL_TOO_LARGE, Reason.MAIL_UNREADABLE, Reason.HEADER_UNREADABLE, Reason.BLOB_MISSING}
)
MAY_END_OTHERWISE = frozenset({Outcome.FAILED, Outcome.NOT_A_REPORT})  # under other settings


@dataclass(frozen=True, slots=True)
class KnownMail:
    """What the ledger says about a mail."""

    take: int
    settings_version: int
    outcome: Outcome
    reason: Reason | None
    detail: str
    action: Action
    action_target: str | None
    action_state: str
    salvaged: dict[str, str]

    def is_superseded_by(self, take: int, *, settings_version: int = 0, has_bytes: bool = False) -> bool:
        """Whether an event of this mail makes another end of it.

        A mail that failed is tried again: as another attempt, or when its bytes, which were missing, came after all;
        one that failed or held no report, when it was fetched again under newer settings.
        """
        if has_bytes and self.outcome in MAY_END_OTHERWISE and self.settings_version < settings_version:
            return True
        came_at_last = has_bytes and self.reason in WITHOUT_BYTES
        return self.outcome is Outcome.FAILED and (self.take < take or came_at_last)

    def unfinished_command(self, mail: MailRef) -> MailCommand | None:
        """The command that nobody has reported on yet; to repeat it is harmless."""
        if self.action_state != "pending":
            return None
        return MailCommand(
            mail=mail,
            outcome=self.outcome,
            action=self.action,
            folder=self.action_target,
            take=self.take,
            settings_version=self.settings_version,
        )

    @property
    def rejection(self) -> Rejected | None:
        """Why the mail belongs to the dead letters, if it does."""
        if self.outcome is not Outcome.FAILED:
            return None
        return Rejected(self.reason or Reason.BUG, self.detail, salvaged=self.salvaged)


async def known_mails(connection: Connection, mail_ids: Sequence[str]) -> dict[str, KnownMail]:
    """Those of the mails that have an outcome, by mail_id."""
    found = await connection.fetch(SQL["known_mails"], mail_ids)
    return {row["mail_id"].hex: _known(row) for row in found}


async def write_mails(connection: Connection, rows: Sequence[Row], *, superseded: Sequence[str]) -> None:
    """Adds the rows, in place of those of superseded mails.

    Raises TryLater when another parser has written one of them meanwhile: the whole transaction must be undone, and
    the next try finds the mail known.
    """
    added = await write_new_mails(connection, rows, superseded=superseded)
    if len(added) < len(rows):
        raise TryLater("ledger", "another parser stored the mail meanwhile")


async def write_new_mails(connection: Connection, rows: Sequence[Row], *, superseded: Sequence[str]) -> set[str]:
    """Adds those of the rows that are not there yet, in place of superseded ones, and gives their mail_ids."""
    if superseded:
        await connection.execute(SQL["forget_failed_mails"], superseded)
    in_order = sorted(rows, key=lambda row: str(row["mail_id"]))  # as everybody does it, so nobody waits in a circle
    added = await connection.fetch(SQL["insert_mails"], in_order)
    return {row["mail_id"].hex for row in added}


def command_for(event: MailExtracted | MailDied, conclusion: Conclusion) -> MailCommand | None:
    """What the fetcher must do, now that the mail ended so; None where nothing is to be done."""
    action = conclusion.action
    if action.action is Action.NONE:
        return None
    return MailCommand(
        mail=event.mail,
        outcome=conclusion.outcome,
        action=action.action,
        folder=action.folder,
        take=event.take,
        settings_version=event.handling.settings_version,
    )


def _known(row: asyncpg.Record) -> KnownMail:
    return KnownMail(
        take=row["take"],
        settings_version=row["settings_version"],
        outcome=Outcome(row["outcome"]),
        reason=_reason(row["reason"]),
        detail=row["detail"],
        action=Action(row["action"]),
        action_target=row["action_target"],
        action_state=row["action_state"],
        salvaged=_salvaged(row["lines"] or ()),
    )


def _salvaged(lines: Iterable[dict[str, Any]]) -> dict[str, str]:
    """What was seen of the first part that was refused, as `Conclusion` has it."""
    refused = next((line for line in lines if line["outcome"] == LineOutcome.REFUSED), None)
    return refused.get("salvaged", {}) if refused else {}


def _reason(code: str | None) -> Reason | None:
    if code is None:
        return None
    return next((reason for reason in Reason if reason == code), Reason.BUG)
