"""What a command says is done to the mail: in UID sets, after checking uidvalidity, and reported as `MailActed`."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from fetcher.connector import Connector
from fetcher.imap import ImapFault, ImapSession
from pipeline.connection import Category
from pipeline.errors import Rejected, TryLater
from pipeline.events import ActResult, MailActed, MailCommand
from pipeline.mailbox import Action
from pipeline.reasons import Reason
from pipeline.stage import Handler, Result
from pipeline.telemetry.metrics import ACTED_MAILS
from pipeline.wire import Envelope

log = structlog.get_logger(__name__)

Job = tuple[str, int, Action, str | None]
"""Folder, uidvalidity, action, target folder: commands that agree in these are one IMAP command."""

REFUSED = frozenset((Category.PERMISSIONS, Category.MAILBOX_NOT_FOUND))  # no later try helps


class Actor:
    """Does commands over a session of its own, which is kept while there is work."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def handler(self) -> Handler:
        """The stage handler for `MailCommand`. Raises TryLater while the mail server is away."""

        async def handle(envelopes: Sequence[Envelope]) -> Sequence[Result]:
            jobs: dict[Job, list[MailCommand]] = defaultdict(list)
            for envelope in envelopes:
                command = _command(envelope)
                jobs[_job(command)].append(command)
            acted = await self._done(jobs)
            return [acted, *([[]] * (len(envelopes) - 1))]

        return handle

    async def _done(self, jobs: dict[Job, list[MailCommand]]) -> list[Envelope]:
        if self._connector.wait_s > 0:
            raise TryLater("imap", f"the next attempt is in {self._connector.wait_s:.0f} s")
        try:
            async with self._connector.session() as session:
                return [Envelope(await self._one(session, job, commands)) for job, commands in jobs.items()]
        except ImapFault as fault:
            self._connector.failed(fault)
            raise TryLater("imap", f"{fault.category}: {fault.detail}") from fault

    async def _one(self, session: ImapSession, job: Job, commands: list[MailCommand]) -> MailActed:
        folder, uidvalidity, action, target = job
        try:
            selected = await session.select(folder)
            if selected.uidvalidity != uidvalidity:
                return self._acted(job, commands, ActResult.FAILED, Reason.UIDVALIDITY_CHANGED)
            await _act(session, [command.mail.uid for command in commands], action, target)
        except ImapFault as fault:
            if fault.category not in REFUSED:
                raise
            reason = Reason.FOLDER_NOT_PERMITTED if action is Action.MOVE else Reason.ACTION_REFUSED
            return self._acted(job, commands, ActResult.FAILED, reason, fault.detail)
        return self._acted(job, commands, ActResult.DONE)

    def _acted(
        self, job: Job, commands: list[MailCommand], result: ActResult, reason: Reason | None = None, detail: str = ""
    ) -> MailActed:
        folder, _, action, target = job
        mailbox_id = self._connector.mailbox.id
        ACTED_MAILS.labels(mailbox_id, action, result).inc(len(commands))
        log.info("acted", mailbox_id=mailbox_id, action=action, result=result, mails=len(commands), reason=reason)
        return MailActed(
            mailbox_id=mailbox_id,
            folder=folder,
            action=action,
            target=target,
            result=result,
            mail_ids=tuple(command.mail.mail_id for command in commands),
            reason=reason,
            detail=detail[:500],
            at=datetime.now(UTC),
        )


async def _act(session: ImapSession, uids: list[int], action: Action, target: str | None) -> None:
    if action is Action.MARK_READ:
        await session.mark_read(uids)
    elif action is Action.MOVE and target is not None:
        await session.move(uids, target)
    elif action is Action.DELETE:
        await session.delete(uids)


def _command(envelope: Envelope) -> MailCommand:
    if not isinstance(envelope.event, MailCommand):
        raise Rejected(Reason.UNDECODABLE_EVENT, f"{envelope.event.type} where mail_command was expected")
    return envelope.event


def _job(command: MailCommand) -> Job:
    return (command.mail.folder, command.mail.uidvalidity, command.action, command.folder)
