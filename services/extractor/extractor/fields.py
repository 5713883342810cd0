"""The header block of a mail or of a part with its repairs, and whether a text begins with that of a mail."""

import re
from typing import Final

from extractor.mbox import header_start
from extractor.repairs import Repair
from pipeline.mailformat import fields
from pipeline.mailformat.fields import begins_with_field

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_MAIL_FIELDS: Final = frozenset(
    {
        "received",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "return-path",
        "content-type",
        "delivered-to",
        "dkim-signature",
        "reply-to",
        "sender",
        "cc",
        "x-mailer",
        "content-transfer-encoding",
        "authentication-results",
        "received-spf",
    }
)


class Fields(fields.Fields):
    """One header block."""

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was mended to read the block."""
        return (Repair.HEADER_LINE_NOT_INDENTED,) if self.is_bent else ()


def is_mail(text: bytes) -> bool:
    """Whether a text begins like a mail: with a header block in which two fields are those of a mail."""
    head = text[:16384].lstrip(b"\r\n")
    head = head[header_start(head) :]
    if not begins_with_field(head):
        return False
    blank = _BLANK_LINE.search(head)
    return len(_MAIL_FIELDS.intersection(Fields(head[: blank.start()] if blank else head))) >= 2
