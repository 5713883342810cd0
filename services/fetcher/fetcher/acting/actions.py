"""What a command says is done to the email: in UID sets, after checking uidvalidity, and reported as `MailActed`.

Commands that agree are one IMAP command. Where the server refuses it, its emails are tried one by one, so that an email
that is refused holds up no other; when none of the first ones goes through, the refusal is not about single emails, and
all of them wait. `Refusals` says how long, and when a refusal is final.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from fetcher.acting.jobs import FIRST_DELAY, Job, Jobs, Refusals, acted, skipped
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession
from fetcher.sessions import Connector, KeptSession, NotOpened
from fetcher.status import StatusTracker
from fetcher.throttle import Backoff
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mail_events import ActResult, MailActed, MailCommand
from pipeline.contracts.mailbox import Action
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope
from pipeline.errors import Rejected, TryLater
from pipeline.runtime.stage import Later, Result

log = structlog.get_logger(__name__)

PROBES = 3  # emails tried one by one before a refusal is taken to be about all


class Actor:
    """The stage handler for `MailCommand`."""

    def __init__(self, connector: Connector, session: KeptSession, jobs: Jobs, status: StatusTracker) -> None:
        self._connector = connector
        self._mailbox = connector.mailbox
        self._session = session
        self._jobs = jobs
        self._status = status
        self._backoff = Backoff()
        self._refusals = Refusals()

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        """Does the commands. Raises TryLater while the mail server is away."""
        jobs: dict[Job, dict[int, MailCommand]] = defaultdict(dict)
        for place, envelope in enumerate(envelopes):
            command = _command(envelope)
            jobs[_job(command)][place] = command
        results: list[Result] = [[] for _ in envelopes]
        for place, result in await self._done(jobs):
            results[place] = result
        return results

    async def _done(self, jobs: Mapping[Job, Mapping[int, MailCommand]]) -> list[tuple[int, Result]]:
        if self._mailbox.settings.dry_run:
            told = [(min(commands), skipped(job, list(commands.values()))) for job, commands in jobs.items()]
            return [(place, [Envelope(event)]) for place, event in told]
        wait_s = max(self._connector.wait_s, self._backoff.wait_s)
        if wait_s > 0:
            raise TryLater("imap", f"the next attempt is in {wait_s:.0f} s")
        try:
            done = await self._session.use(partial(self._all, jobs))
        except ImapFault as fault:
            self._failed(fault)
            raise TryLater("imap", f"{fault.category}: {fault.detail}") from fault
        finally:
            self._status.acting(self._refusals.complaint)
        self._backoff.succeeded()
        return done

    def _failed(self, fault: ImapFault) -> None:
        if isinstance(fault, NotOpened):
            return
        if fault.category is Category.THROTTLED:
            self._connector.throttled(fault)
        else:
            self._connector.complained(fault, retry_in_s=round(self._backoff.failed(fault), 1))

    async def _all(
        self, jobs: Mapping[Job, Mapping[int, MailCommand]], session: MailSession
    ) -> list[tuple[int, Result]]:
        found: list[tuple[int, Result]] = []
        for job, commands in jobs.items():
            found += await self._together(session, job, commands)
        return found

    async def _together(
        self, session: MailSession, job: Job, commands: Mapping[int, MailCommand]
    ) -> list[tuple[int, Result]]:
        """All commands of a job; after a refusal one by one."""
        now = asyncio.get_running_loop().time()
        if (wait_s := self._refusals.wait_s(job, now)) > 0:
            return [(place, Later(wait_s)) for place in commands]
        ready = {place: it for place, it in commands.items() if not self._refusals.wait_s(it.mail.mail_id, now)}
        waiting: list[tuple[int, Result]] = [
            (place, self._later(commands[place], now)) for place in commands if place not in ready
        ]
        if not ready:
            return waiting
        try:
            event = await self._tried(session, job, list(ready.values()))
        except ImapFault as fault:
            self._reraise_unless_refused(session, fault)
            return waiting + await self._one_by_one(session, job, ready, fault)
        return [*waiting, (min(ready), [Envelope(event)])]

    async def _one_by_one(
        self, session: MailSession, job: Job, commands: Mapping[int, MailCommand], fault: ImapFault
    ) -> list[tuple[int, Result]]:
        """What was refused together. `fault` is the refusal."""
        found: list[tuple[int, Result]] = []
        refused = 0
        for place, command in commands.items():
            if refused == PROBES:
                break
            try:
                if len(commands) == 1:
                    raise fault
                found.append((place, [Envelope(await self._tried(session, job, [command]))]))
            except ImapFault as error:
                self._reraise_unless_refused(session, error)
                fault = error
                refused += 1
                wait_s = self._refused(command.mail.mail_id, error)
                found.append((place, self._put_off(job, command, error, wait_s)))
        untried = list(commands.items())[len(found) :]
        if untried:
            wait_s = self._refused(job, fault) if refused == len(found) else FIRST_DELAY
            found += [(place, self._put_off(job, command, fault, wait_s)) for place, command in untried]
        return found

    def _refused(self, key: object, fault: ImapFault) -> float | None:
        return self._refusals.refused(key, fault, asyncio.get_running_loop().time())

    def _put_off(self, job: Job, command: MailCommand, fault: ImapFault, wait_s: float | None) -> Result:
        """The command comes again in a while, or has failed for good."""
        if wait_s is not None:
            facts = {"action": command.action, "category": fault.category, "detail": fault.detail}
            log.warning("action_refused", mailbox_id=self._mailbox.id, retry_in_s=wait_s, **facts)
            return Later(wait_s, fault.detail)
        reason = Reason.FOLDER_NOT_PERMITTED if command.action is Action.MOVE else Reason.ACTION_REFUSED
        if not command.retry:
            self._status.failed_actions(1)
        return [Envelope(acted(job, [command], ActResult.FAILED, reason=reason, detail=fault.detail))]

    def _later(self, command: MailCommand, now: float) -> Later:
        return Later(self._refusals.wait_s(command.mail.mail_id, now))

    def _reraise_unless_refused(self, session: MailSession, fault: ImapFault) -> None:
        """A server that is away or overloaded is waited for, with all commands."""
        if not session.alive or fault.category is Category.THROTTLED:
            raise fault

    async def _tried(self, session: MailSession, job: Job, commands: Sequence[MailCommand]) -> MailActed:
        event = await self._jobs.do(session, job, commands)
        if event.result is ActResult.DONE:
            for key in (job, *(command.mail.mail_id for command in commands)):
                self._refusals.done(key)
            if retried := sum(command.retry > 0 for command in commands):
                self._status.failed_actions(-retried)
        return event


def _command(envelope: Envelope) -> MailCommand:
    if not isinstance(envelope.event, MailCommand):
        raise Rejected(Reason.UNDECODABLE_EVENT, f"{envelope.event.type} where mail_command was expected")
    return envelope.event


def _job(command: MailCommand) -> Job:
    return (command.mail.folder, command.mail.uidvalidity, command.action, command.folder)
