"""Mails put together from bytes: the few MIME shapes that reporters use, without the cost of a mail library."""

import base64
import hashlib
from datetime import datetime
from email.utils import format_datetime

RECIPIENT = "dmarc-reports@example.com"
CRLF = "\r\n"


def mail(entity: bytes, *, sender: str, subject: str, received: datetime, serial: int, more: str = "") -> bytes:
    """A mail with this content. `entity` starts with its own MIME header, `more` is further header lines."""
    header = (
        f"From: {sender}\r\nTo: {RECIPIENT}\r\nSubject: {_folded(subject)}\r\nDate: {format_datetime(received)}\r\n"
        f"Message-ID: <{serial}.{int(received.timestamp())}.{sender}>\r\n{more}MIME-Version: 1.0\r\n"
    )
    return header.encode() + entity


def multipart(subtype: str, *parts: bytes) -> bytes:
    """`subtype` may carry parameters: "report; report-type=tlsrpt"."""
    boundary = "=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:24]
    header = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    delimiter = f"--{boundary}".encode()
    inner = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts)
    return header + inner + delimiter + b"--\r\n"


def text(content: str, *, subtype: str = "plain") -> bytes:
    """A text part."""
    return f"Content-Type: text/{subtype}; charset=us-ascii\r\n\r\n{content}\r\n".encode()


def attachment(data: bytes, *, name: str, content_type: str, disposition: str = "attachment") -> bytes:
    """A base64 part with a file name; also the whole content of a mail that is nothing but its attachment."""
    header = (
        f'Content-Type: {content_type};\r\n name="{name}"\r\n'
        f'Content-Disposition: {disposition};\r\n filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return header.encode() + base64.encodebytes(data).replace(b"\n", b"\r\n")


def _folded(subject: str) -> str:
    """Broken before "Report-ID", as many senders do: the whole is longer than 78 columns."""
    return subject.replace(" Report-ID", "\r\n Report-ID")
