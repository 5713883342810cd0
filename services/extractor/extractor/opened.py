"""A mail's bytes made ready for the walk through its parts: restored where it is bent, as it is where it is not."""

from dataclasses import dataclass
from typing import Final

from extractor.failure import FEEDBACK_TYPE, is_bounce
from extractor.fields import is_mail
from extractor.mime import Part, top, undeclared_boundary
from extractor.restore import restored, with_line_feeds
from pipeline.contracts.repairs import MailRepair
from pipeline.mailformat.fields import MAX_BLOCK

_FEEDBACK: Final = FEEDBACK_TYPE.encode()


@dataclass(frozen=True, slots=True)
class OpenedMail:
    """A mail as it is read: its bytes, its header and body in them, and what had to be repaired."""

    raw: bytes
    mail: Part
    repairs: tuple[str, ...] = ()


def open_mail(raw: bytes) -> OpenedMail:
    """The mail in `raw`; a whole one stays the same bytes. Never raises."""
    raw = with_line_feeds(raw)
    mail = top(raw)
    repairs: tuple[str, ...] = ()
    if not mail.fields.is_of_mail:
        raw, repairs = restored(raw)
        mail = top(raw) if repairs else mail
    if not mail.is_multipart and not is_bounce(mail):
        boundary = undeclared_boundary(raw, mail)
        if boundary:
            raw = _declared(raw, mail, boundary)
            return OpenedMail(raw, top(raw), (*repairs, MailRepair.MULTIPART_UNDECLARED))
    return OpenedMail(raw, mail, repairs)


def is_strange_mail(data: bytes) -> bool:
    """Whether a file of unclear kind is a mail after all: something stands round it, or a line is very long."""
    return is_mail(data[:MAX_BLOCK]) or bool(restored(data)[1])


def _declared(raw: bytes, mail: Part, boundary: str) -> bytes:
    """The mail with a Content-Type that says where its parts are; it comes first, and so it counts."""
    kind = "report; report-type=feedback-report" if _FEEDBACK in raw[mail.start :].lower() else "mixed"
    line = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode("latin-1", "replace")
    return line + raw.lstrip(b"\xef\xbb\xbf\r\n \t")
