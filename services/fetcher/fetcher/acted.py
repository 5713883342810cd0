"""What became of commands, as the event that tells it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from pipeline.contracts.events import ActResult, MailActed, MailCommand
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.trace import named
from pipeline.telemetry.metrics import ACTED_MAILS

log = structlog.get_logger(__name__)

Job = tuple[str, int, Action, str | None]
"""Folder, uidvalidity, action, target folder: commands that agree in these are one IMAP command."""

MAX_DETAIL = 500  # characters


def skipped(job: Job, commands: Sequence[MailCommand]) -> MailActed:
    """What would have been done, were it not for the dry run."""
    *_, action, target = job
    would = action.value.replace("_", " ") + (f' to "{target}"' if target else "")
    return acted(job, commands, ActResult.SKIPPED, detail=f"dry run: would {would}")


def acted(
    job: Job, commands: Sequence[MailCommand], result: ActResult, *, reason: Reason | None = None, detail: str = ""
) -> MailActed:
    """The result of these commands, of which there is at least one; it is counted and logged."""
    folder, _, action, target = job
    mailbox_id = commands[0].mail.mailbox_id
    ACTED_MAILS.labels(mailbox_id, action, result).inc(len(commands))
    log.info("acted", mailbox_id=mailbox_id, action=action, result=result, reason=reason, **named(commands))
    return MailActed(
        mailbox_id=mailbox_id,
        folder=folder,
        action=action,
        target=target,
        result=result,
        mail_ids=tuple(command.mail.mail_id for command in commands),
        reason=reason,
        detail=detail[:MAX_DETAIL],
        at=datetime.now(UTC),
    )
