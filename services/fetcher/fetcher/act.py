"""What a command says is done to the mail: in UID sets, after checking uidvalidity, and reported as `MailActed`."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import structlog

from fetcher.connector import Connector
from fetcher.imap import ImapFault, ImapSession
from fetcher.kept_session import KeptSession
from pipeline.connection import Category
from pipeline.errors import Rejected, TryLater
from pipeline.events import ActResult, MailActed, MailCommand
from pipeline.mailbox import Action
from pipeline.reasons import Reason
from pipeline.stage import Result
from pipeline.telemetry.metrics import ACTED_MAILS
from pipeline.trace import named
from pipeline.wire import Envelope

log = structlog.get_logger(__name__)

Job = tuple[str, int, Action, str | None]
"""Folder, uidvalidity, action, target folder: commands that agree in these are one IMAP command."""

FINAL = frozenset((Category.PERMISSIONS, Category.MAILBOX_NOT_FOUND))  # no later try helps
MAX_REFUSALS = 6  # of one command, for reasons that might pass
MAX_DETAIL = 500  # characters


class Actor:
    """The stage handler for `MailCommand`."""

    def __init__(self, connector: Connector, session: KeptSession) -> None:
        self._connector = connector
        self._mailbox = connector.mailbox
        self._session = session
        self._refusals: Counter[str] = Counter()  # by mail_id

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        """Does the commands. Raises TryLater while the mail server is away."""
        jobs: dict[Job, list[MailCommand]] = defaultdict(list)
        for envelope in envelopes:
            command = _command(envelope)
            jobs[_job(command)].append(command)
        acted = [Envelope(event) for event in await self._done(jobs)]
        return [acted, *([[]] * (len(envelopes) - 1))]

    async def _done(self, jobs: Mapping[Job, list[MailCommand]]) -> list[MailActed]:
        if self._mailbox.settings.dry_run:
            return [self._skipped(job, commands) for job, commands in jobs.items()]
        if self._connector.wait_s > 0:
            raise TryLater("imap", f"the next attempt is in {self._connector.wait_s:.0f} s")
        try:
            return await self._session.use(partial(self._all, jobs))
        except ImapFault as fault:
            if fault.category is Category.THROTTLED or not self._session.alive:
                self._connector.failed(fault)  # what is merely refused keeps nobody from reading
            raise TryLater("imap", f"{fault.category}: {fault.detail}") from fault

    async def _all(self, jobs: Mapping[Job, list[MailCommand]], session: ImapSession) -> list[MailActed]:
        return [await self._one(session, job, commands) for job, commands in jobs.items()]

    async def _one(self, session: ImapSession, job: Job, commands: list[MailCommand]) -> MailActed:
        folder, uidvalidity, action, target = job
        reason = Reason.ACTION_REFUSED
        try:
            selected = await session.select(folder)
            if selected.uidvalidity != uidvalidity:
                return self._acted(job, commands, ActResult.FAILED, reason=Reason.UIDVALIDITY_CHANGED)
            if action is Action.MOVE:
                reason = Reason.FOLDER_NOT_PERMITTED
            await _act(session, [command.mail.uid for command in commands], action, target)
        except ImapFault as fault:
            if not self._is_final(session, commands, fault):
                raise
            return self._acted(job, commands, ActResult.FAILED, reason=reason, detail=fault.detail)
        self._forget(commands)
        return self._acted(job, commands, ActResult.DONE)

    def _is_final(self, session: ImapSession, commands: list[MailCommand], fault: ImapFault) -> bool:
        """A server that is away or overloaded is waited for; one that refuses a single mail again and again is not."""
        if fault.category in FINAL:
            return True
        if not session.alive or fault.category is Category.THROTTLED or len(commands) > 1:
            return False
        mail_id = commands[0].mail.mail_id
        self._refusals[mail_id] += 1
        if self._refusals[mail_id] < MAX_REFUSALS:
            return False
        self._forget(commands)
        return True

    def _forget(self, commands: list[MailCommand]) -> None:
        for command in commands:
            self._refusals.pop(command.mail.mail_id, None)

    def _skipped(self, job: Job, commands: list[MailCommand]) -> MailActed:
        *_, action, target = job
        would = action.value.replace("_", " ") + (f' to "{target}"' if target else "")
        return self._acted(job, commands, ActResult.SKIPPED, detail=f"dry run: would {would}")

    def _acted(
        self,
        job: Job,
        commands: list[MailCommand],
        result: ActResult,
        *,
        reason: Reason | None = None,
        detail: str = "",
    ) -> MailActed:
        folder, _, action, target = job
        ACTED_MAILS.labels(self._mailbox.id, action, result).inc(len(commands))
        about = named(commands)
        log.info("acted", mailbox_id=self._mailbox.id, action=action, result=result, reason=reason, **about)
        return MailActed(
            mailbox_id=self._mailbox.id,
            folder=folder,
            action=action,
            target=target,
            result=result,
            mail_ids=tuple(command.mail.mail_id for command in commands),
            reason=reason,
            detail=detail[:MAX_DETAIL],
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
