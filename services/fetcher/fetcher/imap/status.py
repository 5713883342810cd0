"""How the server ended a command: OK, NO or BAD, a response code in brackets, and a text for people (RFC 5530)."""

import re
from dataclasses import dataclass

_RESULTS = frozenset(("OK", "NO", "BAD", "BYE", "PREAUTH"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Status:
    """`code` is in upper case, "" for none; `text` holds no control characters and is cut at 300 characters."""

    result: str
    code: str = ""
    details: str = ""
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command was carried out."""
        return self.result in ("OK", "PREAUTH")


def parse_status(line: bytes) -> Status:
    """The status in a line such as b'NO [AUTHENTICATIONFAILED] Wrong password'. Raises ValueError if there is none."""
    result, _, text = line.decode("utf-8", "replace").partition(" ")
    if result.upper() not in _RESULTS:
        raise ValueError("no status")
    code = details = ""
    if text.startswith("[") and "]" in text:
        inside, _, rest = text[1:].partition("]")
        name, _, what = inside.partition(" ")
        if name:
            code, details, text = name.upper(), what, rest
    return Status(result.upper(), code, details, clean(text))


def clean(text: str) -> str:
    """What a server said, for people: on one line, without control characters, cut at 300 characters."""
    return _CONTROL.sub(" ", text[: 2 * MAX_TEXT])[:MAX_TEXT].strip()
