"""The reported mail inside a failure report: how much of it is kept, and under which redaction (RFC 6590)."""

import re
from enum import StrEnum
from hashlib import sha256

_ADDRESS = re.compile(r"([A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,128})@(?=[A-Za-z0-9\[])")
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
