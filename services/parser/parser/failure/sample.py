"""The reported mail inside a failure report: how much of it is kept, and under which redaction (RFC 6590)."""

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from enum import StrEnum
from hashlib import sha256

_ADDRESS = re.compile(r"([A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,128})@(?=[A-Za-z0-9\[])")
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_HASH_DIGITS = 12


class SampleKept(StrEnum):
    """How much of the reported mail is kept. It holds personal data and, at times, malware."""

    HEADERS = "headers"  # the header only, local parts of addresses hashed
    WHOLE = "whole"
    NONE = "none"


def redacted(text: str) -> str:
    """The text with the local part of every address replaced by a hash: equal addresses stay equal."""
    return _ADDRESS.sub(lambda found: _hashed(found.group(1)) + "@", text)


def _hashed(local_part: str) -> str:
    return sha256(local_part.encode(errors="replace")).hexdigest()[:_HASH_DIGITS]


def header_of(mail: bytes) -> bytes:
    """The header of a mail, without its body."""
    start = mail.lstrip(b"\r\n")
    end = _END_OF_HEADERS.search(start)
    return start[: end.start()] if end else start


def parse_header(mail: bytes) -> Message:
    """The header of a mail as an object; never raises."""
    return BytesParser(policy=compat32).parsebytes(header_of(mail), headersonly=True)


def decoded_header(value: object) -> str:
    """A header's text, RFC 2047 words decoded where they can be."""
    text = str(value)
    try:
        return str(make_header(decode_header(text)))
    except (MessageError, ValueError, LookupError):
        return text
