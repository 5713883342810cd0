"""Dead letters on their way again, under the settings that their mailbox has today."""

from contextlib import suppress

from config_api.backend import Backend
from config_api.dead_letters.queries import NOUN, DeadLetterFilter, known_number, matches
from config_api.errors import not_found
from config_api.system.importing import MAILBOX_ID as IMPORTED
from config_api.system.importing import handling as imported_handling
from config_api.web.shapes import Row
from pipeline.contracts.mailbox import Handling, Mailbox, MailboxSettings
from pipeline.jetstream.dead_letters import DeadLetters, NoSuchDeadLetter
from pipeline.postgres.statements import Statements

SQL = Statements.of("config_api.dead_letters")

MAX_RETRIED = 500  # dead letters that one request sends on


class Retried(Row):
    """What a retry of many did. `complete` is false when there are more than one request sends on: ask again."""

    retried: int
    complete: bool


class TodaysSettings:
    """The settings of mailboxes as they are now, each asked for once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, Handling | None] = {}

    async def __call__(self, mailbox_id: str) -> Handling | None:
        """What holds for a mailbox's emails now; None for one that was removed: theirs hold. Raises TryLater."""
        if mailbox_id == IMPORTED:
            return imported_handling(self._backend.settings.limits)
        if mailbox_id not in self._known:
            self._known[mailbox_id] = await self._read(mailbox_id)
        return self._known[mailbox_id]

    async def _read(self, mailbox_id: str) -> Handling | None:
        async with self._backend.database.connection() as connection:
            row = await connection.fetchrow(SQL["todays_settings"], mailbox_id)
        if row is None:
            return None
        settings = MailboxSettings.model_validate(row["settings"])
        return Mailbox(id=mailbox_id, version=row["version"], settings=settings).handling()


async def retry(backend: Backend, letter_id: int) -> None:
    """Sends the event on its way again. Raises NotFound."""
    try:
        await DeadLetters(backend.bus).retry(known_number(letter_id), todays=TodaysSettings(backend))
    except NoSuchDeadLetter:
        raise not_found(NOUN) from None


async def retry_all(backend: Backend, wanted: DeadLetterFilter, *, at_most: int = MAX_RETRIED) -> Retried:
    """Sends all that match on their way again, oldest first, so many at a time."""
    stored, todays = DeadLetters(backend.bus), TodaysSettings(backend)
    retried = 0
    async for dead_letter in stored.oldest():
        if not matches(dead_letter, wanted):
            continue
        if retried >= at_most:
            return Retried(retried=retried, complete=False)
        with suppress(NoSuchDeadLetter):  # somebody else was faster
            await stored.retry(dead_letter.sequence, todays=todays)
            retried += 1
    return Retried(retried=retried, complete=True)
