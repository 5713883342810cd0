"""Files that somebody hands over, sent on their way as mails: the same file is the same mail for ever."""

import asyncio
import re
from base64 import encodebytes
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import file_digest
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast

import structlog

from config_api.backend import Backend
from config_api.errors import Invalid, TooLarge
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import HANDED_OVER, HANDED_OVER_SUBJECT, MailRef
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.mailbox import AttachmentRules, Handling
from pipeline.contracts.wire import Envelope
from pipeline.jetstream.bus import Bus

log = structlog.get_logger(__name__)

MAILBOX_ID: Final = HANDED_OVER  # and the folder's name; no fetcher knows it, so nothing is done to these mails
UID_BITS: Final = 62
MAX_NAME_LENGTH: Final = 200
START_BYTES: Final = 1024  # enough to tell a mail
LINE_BYTES: Final = 57  # of a line of base64 (RFC 2045, section 6.8)

KNOWN: Final = "SELECT EXISTS (SELECT FROM mail WHERE mail_id = $1::uuid)"

_MAIL_FIELD: Final = re.compile(
    rb"^(?:received|from|to|subject|date|message-id|mime-version|return-path|content-type|delivered-to)[ \t]{0,10}:",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}(?:From |[A-Za-z0-9_.-]{1,100}[ \t]{0,10}:)")


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The mail that a file became; `is_known` says that the same file has become it before, and is in the ledger."""

    mail: MailRef
    is_known: bool


async def take_in(backend: Backend, file: IO[bytes], *, name: str) -> "TakenIn":
    """Publishes the file as a fetched mail, and says which mail it is. Raises TooLarge, Invalid.

    A large one goes to the object store piece by piece, after those before it: so many at a time take no memory.
    """
    limits = backend.settings.limits
    size = file.seek(0, SEEK_END)
    if not size:
        raise Invalid("Send the bytes of an email or of a report file as the body.", title="The file is empty")
    file.seek(0)
    is_mail = looks_like_mail(file.read(START_BYTES), name=name)
    limit = limits.max_mail_bytes if is_mail else limits.max_attachment_bytes
    if size > limit:
        raise TooLarge(f"At most {limit:,} bytes are taken.", title="The file is too large")
    mail_ref = ref_of(await asyncio.to_thread(_digest, file))
    async with backend.database.connection() as connection:
        is_known = await connection.fetchval(KNOWN, mail_ref.mail_id)
    with file if is_mail else await asyncio.to_thread(wrapped, file, name=name) as mail:
        async with backend.importing:
            await _publish(backend.bus, mail, mail_ref, limits)
    log.info("imported", mail_id=mail_ref.mail_id, bytes=size)
    return TakenIn(mail_ref, is_known=is_known)


async def _publish(bus: Bus, mail: IO[bytes], mail_ref: MailRef, limits: Limits) -> None:
    event = MailFetched(
        mail=mail_ref,
        handling=handling(limits),
        size=mail.seek(0, SEEK_END),
        fetched_at=datetime.now(UTC),
    )
    mail.seek(0)
    await bus.publish([Envelope(event, (await bus.parcel_of(event, mail, size=event.size),))])


def handling(limits: Limits) -> Handling:
    """What holds for files that were handed over: every format, up to the limit; nothing is done to them afterwards."""
    return Handling(settings_version=0, attachments=AttachmentRules(max_bytes=limits.max_attachment_bytes))


def _digest(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file_digest(cast(Any, file), "sha256").digest()


def ref_of(digest: bytes) -> MailRef:
    """The mail that a file with this SHA-256 is: its number is one of its content, not of a folder."""
    number = int.from_bytes(digest) >> (256 - UID_BITS)
    return MailRef.of(mailbox_id=MAILBOX_ID, folder=MAILBOX_ID, uidvalidity=1, uid=number)


def looks_like_mail(data: bytes, *, name: str) -> bool:
    """Whether a file that begins like this is a mail: its name says so, or two fields that mails have, or no name.

    A name that says something else goes along with the file, in a mail round it: a text may begin like a field, too.
    """
    is_begun = _MAIL_START.match(data) is not None
    return is_begun and (name.lower().endswith(".eml") or not name or len(_MAIL_FIELD.findall(data)) > 1)


def wrapped(file: IO[bytes], *, name: str) -> IO[bytes]:
    """A mail that is nothing but this file, in a temporary file."""
    shown = "".join(c for c in name if c.isprintable())[:MAX_NAME_LENGTH] or "file"
    head = EmailMessage(policy=SMTP)
    head["Subject"] = HANDED_OVER_SUBJECT + shown
    head.set_content(b"", maintype="application", subtype="octet-stream", disposition="attachment", filename=shown)
    mail: IO[bytes] = TemporaryFile()  # noqa: SIM115 the caller's
    mail.write(head.as_bytes().rstrip(b"\r\n") + b"\r\n\r\n")
    file.seek(0)
    while piece := file.read(LINE_BYTES * 1024):
        mail.write(encodebytes(piece).replace(b"\n", b"\r\n"))
    return mail
