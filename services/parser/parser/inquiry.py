"""Answers fetchers that ask which mails the ledger does not know, or has given a command that nobody has done."""

from parser.sql import SQL
from pipeline.adapters.postgres import Database
from pipeline.inquiry import LedgerAnswer, LedgerInquiry
from pipeline.mail import mail_id_of

COMMAND_TAKES_S = 3600  # a command that is given and not done for so long may be lost


class Inquiry:
    """Asks the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, payload: bytes) -> bytes:
        """A `LedgerAnswer` to a `LedgerInquiry`, both as JSON.

        Raises TryLater while PostgreSQL is away, ValidationError for what is no inquiry; then nobody answers.
        """
        asked = LedgerInquiry.model_validate_json(payload)
        mail_ids = {
            mail_id_of(mailbox_id=asked.mailbox_id, folder=asked.folder, uidvalidity=asked.uidvalidity, uid=uid): uid
            for uid in asked.uids
        }
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["settled_mails"], list(mail_ids), COMMAND_TAKES_S)
        settled = {mail_ids[row["mail_id"].hex] for row in rows}
        return LedgerAnswer(unsettled=tuple(u for u in asked.uids if u not in settled)).model_dump_json().encode()
