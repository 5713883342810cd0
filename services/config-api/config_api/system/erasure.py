"""One email address, erased from all that is kept: failure reports, kept documents, the ledger, the log, dead letters.

An operator's own settings (a mailbox's user name, where notifications go) are no part of it.
"""

import quopri
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, Field

from config_api.access.audit import entries as audit
from config_api.backend import Backend
from config_api.errors import FieldError, invalid
from config_api.mailboxes import journal
from config_api.web.shapes import Row
from pipeline.contracts.mail import HANDED_OVER
from pipeline.errors import Rejected
from pipeline.jetstream.dead_letters import DeadLetters, NoSuchDeadLetter
from pipeline.mailformat.inflate import inflate_head
from pipeline.postgres.connection import Connection

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 600.0
AT_A_TIME: Final = 20  # kept failure reports that are in memory together
HASH_DIGITS: Final = 12  # as failure reports are redacted by the parser
DOCUMENTS: Final = """
    SELECT id, bytes FROM document WHERE id > $1 AND format = 'arf' AND bytes IS NOT NULL ORDER BY id LIMIT $2
"""
ERASE: Final = "SELECT erase_address($1, $2, $3)"
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SAID: Final = "An email address was erased from what is kept"  # not which one
_OF_A_WORD: Final = "A-Za-z0-9.!#$%&*+/=?^_{|}~'-"


class ErasureOptions(BaseModel):
    """Whose address, and whether to count only."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=320, description="One email address.")
    dry_run: bool = Field(False, description="Only say what would be erased.")


class Erasure(Row):
    """Where the address was found; erased there, unless it was a dry run."""

    reports: int = Field(description="Reports in which it stands: failure reports, or as the reporter's contact.")
    documents: int = Field(description="Report files that hold it; their bytes are no longer kept.")
    emails: int = Field(description="Emails of the ledger whose sender or subject it is in.")
    activities: int = Field(description="Lines of the log.")
    dead_letters: int = Field(description="Dead letters with it; they are discarded.")
    dry_run: bool


async def erase(backend: Backend, options: ErasureOptions, *, who: str) -> Erasure:
    """Erases the address, or counts. Raises Invalid, and TryLater with the dead letters erased at most."""
    if _ADDRESS.fullmatch(options.address) is None:
        raise invalid(FieldError(field="address", text="One email address is needed, as in jane@example.com."))
    pattern = pattern_of(options.address)
    matcher = re.compile(pattern.encode(), re.IGNORECASE)
    dead_letters = await _dead_letters(backend, matcher, is_dry=options.dry_run)
    async with backend.database.transaction() as connection:
        holding = [number async for number in _holding(backend, connection, matcher)]
        found = await connection.fetchval(ERASE, pattern, holding, options.dry_run, timeout=TIMEOUT_S)
        erasure = Erasure(**found, dead_letters=dead_letters, dry_run=options.dry_run)
        if options.dry_run:
            audit.note_nothing()
        else:
            await journal.note(connection, HANDED_OVER, "address_erased", text=_SAID, who=who)
            await audit.note(connection, "address_erased", _SAID)
    log.info("address_erased", who=who, **erasure.model_dump())
    return erasure


def pattern_of(address: str) -> str:
    """A regular expression, of PostgreSQL and of Python, for the address and its redacted form, as whole words."""
    local, _, domain = address.rpartition("@")
    hashes = {sha256(name.encode()).hexdigest()[:HASH_DIGITS] for name in (local, local.lower())}
    names = "|".join(sorted({_escaped(local), *hashes}))
    return f"(?<![{_OF_A_WORD}])(?:{names})@{_escaped(domain)}(?![A-Za-z0-9-]|[.][A-Za-z0-9])"


def _escaped(text: str) -> str:
    return "".join(c if c.isalnum() else f"[{c}]" if c not in "^\\" else f"\\{c}" for c in text)


async def _holding(backend: Backend, connection: Connection, matcher: re.Pattern[bytes]) -> AsyncIterator[int]:
    """The kept failure reports, as they were received, in which the address stands."""
    last = 0
    while rows := await connection.fetch(DOCUMENTS, last, AT_A_TIME):
        last = rows[-1]["id"]
        for row in rows:
            limits = backend.settings.limits
            try:
                raw, _ = inflate_head(row["bytes"], limits=limits, max_bytes=limits.max_mail_bytes)
            except Rejected:
                continue
            if _stands_in(raw, matcher):
                yield row["id"]


async def _dead_letters(backend: Backend, matcher: re.Pattern[bytes], *, is_dry: bool) -> int:
    """How many held the address; they are discarded, for their bytes are whole emails."""
    letters, found = DeadLetters(backend.bus), 0
    async for letter in letters.newest():
        try:
            raw = await letters.cargo(letter.sequence)
            wire = (await letters.get(letter.sequence)).wire
            said = " ".join(wire.headers.values()).encode() + wire.payload
            if _stands_in(raw or b"", matcher) or _stands_in(said, matcher):
                found += 1
                if not is_dry:
                    await letters.discard(letter.sequence)
        except (NoSuchDeadLetter, Rejected):
            continue
    return found


def _stands_in(raw: bytes, matcher: re.Pattern[bytes]) -> bool:
    return matcher.search(raw) is not None or (
        (b"=\n" in raw or b"=\r\n" in raw or b"=40" in raw) and (matcher.search(quopri.decodestring(raw)) is not None)
    )
