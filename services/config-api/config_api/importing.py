"""Files that somebody hands over, sent on their way as mails: the same file is the same mail for ever."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import Final

import structlog

from config_api.problem import Problem
from pipeline.adapters.bus import Bus
from pipeline.events import MailFetched
from pipeline.limits import Limits
from pipeline.mail import MailRef
from pipeline.mailbox import AttachmentRules, Handling
from pipeline.wire import Envelope, Parcel

log = structlog.get_logger(__name__)

MAILBOX_ID: Final = "import"  # and the folder's name; no fetcher knows it, so nothing is done to these mails
UID_BITS: Final = 62
MAX_NAME_LENGTH: Final = 200

_MAIL_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}(?:From |[A-Za-z0-9_.-]{1,100}[ \t]{0,10}:)")


async def take_in(bus: Bus, data: bytes, *, name: str, limits: Limits) -> MailRef:
    """Publishes the file as a fetched mail, and says which mail it is. Raises Problem 413, 422."""
    if not data:
        raise Problem(422, "The file is empty", "Send the bytes of a mail or of a report file as the body.")
    is_mail = looks_like_mail(data)
    limit = limits.max_mail_bytes if is_mail else limits.max_attachment_bytes
    if len(data) > limit:
        raise Problem(413, "The file is too large", f"At most {limit} bytes are taken.")
    mail = data if is_mail else wrapped(data, name=name)
    event = MailFetched(
        mail=ref_of(data),
        handling=Handling(settings_version=0, attachments=AttachmentRules(max_bytes=limits.max_attachment_bytes)),
        size=len(mail),
        fetched_at=datetime.now(UTC),
    )
    await bus.publish([Envelope(event, (Parcel.of(mail),))])
    log.info("imported", mail_id=event.mail.mail_id, bytes=len(data))
    return event.mail


def ref_of(data: bytes) -> MailRef:
    """The mail that a file is: where others have a number of their folder, it has one of its content."""
    number = int.from_bytes(sha256(data).digest()) >> (256 - UID_BITS)
    return MailRef.of(mailbox_id=MAILBOX_ID, folder=MAILBOX_ID, uidvalidity=1, uid=number)


def looks_like_mail(data: bytes) -> bool:
    """Whether the first line is a field of a mail's header, or what an mbox file has before it."""
    return _MAIL_START.match(data) is not None


def wrapped(data: bytes, *, name: str) -> bytes:
    """A mail that is nothing but this file."""
    shown = "".join(c for c in name if c.isprintable())[:MAX_NAME_LENGTH] or "file"
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"Imported: {shown}"
    mail.set_content(data, maintype="application", subtype="octet-stream", disposition="attachment", filename=shown)
    return mail.as_bytes()
