"""What the database says, asked directly and not over a wire; it may be away just now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from config_api.backend.loop import Loop
from pipeline.errors import TryLater

ASK_S = 5.0


@dataclass(frozen=True, slots=True)
class LedgerMail:
    """A row of the mail ledger."""

    name: str
    outcome: str
    reason: str
    action_state: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store adds up to. `records` are counted, `promised_records` are what the reports say of themselves."""

    mails: int
    pending: int
    reports: int
    variants: int
    records: int
    promised_records: int
    messages: int
    outbox: int


_FIGURES = """
SELECT
  (SELECT count(*) FROM mail)                                    AS mails,
  (SELECT count(*) FROM mail WHERE action_state = 'pending')     AS pending,
  (SELECT count(*) FROM report)                                  AS reports,
  (SELECT count(*) FROM report WHERE variant)                    AS variants,
  (SELECT count(*) FROM record) + (SELECT count(*) FROM tls_policy) AS records,
  (SELECT coalesce(sum(record_count), 0)::bigint FROM report)    AS promised_records,
  (SELECT coalesce(sum(message_count), 0)::bigint FROM report)   AS messages,
  (SELECT count(*) FROM outbox)                                  AS outbox
"""
_MAILS = "SELECT header_message_id AS name, outcome, coalesce(reason, '') AS reason, action_state FROM mail"


class Ledger:
    """Every question has its own connection, for the server may have been killed since the last one."""

    def __init__(self, loop: Loop, url: str) -> None:
        self._loop = loop
        self._url = url

    def figures(self) -> Figures | None:
        """The figures of this moment; None while PostgreSQL is away."""
        rows = self._ask(_FIGURES)
        return None if rows is None else Figures(**rows[0])

    def mails(self) -> list[LedgerMail] | None:
        """Every mail; None while PostgreSQL is away."""
        rows = self._ask(_MAILS)
        if rows is None:
            return None
        return [LedgerMail(**{**row, "name": str(row["name"]).strip("<>")}) for row in rows]

    def run(self, statement: str) -> None:
        """Does something to the database. Raises what asyncpg raises."""
        self._loop.call(self._fetch(statement), timeout=2 * ASK_S)

    def _ask(self, question: str) -> list[Mapping[str, Any]] | None:
        try:
            return self._loop.call(self._fetch(question), timeout=ASK_S)
        except (OSError, TryLater, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None

    async def _fetch(self, question: str) -> list[Mapping[str, Any]]:
        connection = await asyncpg.connect(self._url, timeout=ASK_S)
        try:
            return [dict(row) for row in await connection.fetch(question)]
        finally:
            connection.terminate()
