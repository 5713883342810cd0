"""The parser's stage: extracted mails in; outcomes committed, and nothing to publish, for the relay does that."""

import asyncio
from collections.abc import Callable, Sequence

from parser.documents import ReadMail, ReadOptions, closing, extracted, groups, is_huge, read_mails
from parser.storage.ledger import KnownMail, known_mails
from parser.storage.transaction import Store
from pipeline.contracts.mail_events import MailExtracted
from pipeline.contracts.wire import Envelope
from pipeline.postgres.connection import Database
from pipeline.runtime.stage import Result


class ParserHandler:
    """Reads the documents of mails that the ledger does not know and stores what they say.

    A mail that the ledger knows is a repeat: its unfinished command is published once more. A failed mail's event is
    rejected, after its outcome is committed, so that its bytes are kept with the dead letters.
    """

    def __init__(
        self, database: Database, store: Store, *, options: ReadOptions, committed: Callable[[], None]
    ) -> None:
        self._database = database
        self._store = store
        self._options = options
        self._committed = committed

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        """One result for each envelope. Raises TryLater while PostgreSQL is away."""
        results: dict[int, Result] = {}
        while left := [number for number in range(len(envelopes)) if number not in results]:
            firsts = {extracted(envelopes[number]).mail.mail_id: number for number in reversed(left)}
            # an event of the same mail a second time waits for the next round, which finds the mail known
            results |= await self._round({number: envelopes[number] for number in sorted(firsts.values())})
        return [results[number] for number in range(len(envelopes))]

    async def _round(self, envelopes: dict[int, Envelope]) -> dict[int, Result]:
        """The results of events of different mails."""
        mail_ids = [extracted(envelope).mail.mail_id for envelope in envelopes.values()]
        async with self._database.connection() as connection:
            known = await known_mails(connection, mail_ids)
        results: dict[int, Result] = {}
        new: dict[int, Envelope] = {}
        superseded = []
        for number, envelope in envelopes.items():
            event = extracted(envelope)
            before = known.get(event.mail.mail_id)
            if before is None or before.is_superseded_by(
                event.take, settings_version=event.handling.settings_version, has_bytes=bool(envelope.cargo)
            ):
                new[number] = envelope
                superseded += [event.mail.mail_id] if before else []
                continue
            results[number] = repeated(event, before)
        new = dict(sorted(new.items(), key=lambda item: is_huge(item[1])))  # huge ones last: none waits for them
        stored = await self._store_all(list(new.values()), superseded=superseded)
        return results | dict(zip(new, stored, strict=True))

    async def _store_all(self, envelopes: Sequence[Envelope], *, superseded: Sequence[str]) -> list[Result]:
        results: list[Result] = []
        for group in groups(envelopes):
            read = await asyncio.to_thread(read_mails, group, self._options)
            with closing([mail for mail in read if isinstance(mail, ReadMail)]) as mails:
                ids = {mail.event.mail.mail_id for mail in mails}
                stored = await self._store.store(mails, superseded=[s for s in superseded if s in ids])
            self._committed()
            conclusions = iter(stored)
            results += [mail if isinstance(mail, Exception) else next(conclusions).rejection or [] for mail in read]
        return results


def repeated(event: MailExtracted, known: KnownMail) -> Result:
    """The result for a mail that has its outcome already."""
    if known.rejection is not None:
        return known.rejection
    command = known.unfinished_command(event.mail)
    return [] if command is None else [Envelope(command)]
