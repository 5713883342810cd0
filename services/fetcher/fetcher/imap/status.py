"""How the server ended a command: OK, NO or BAD, a response code in brackets, and a text for people (RFC 5530)."""

import re
from dataclasses import dataclass

_STATUS = re.compile(
    r"(?P<result>OK|NO|BAD|BYE|PREAUTH)\b ?(?:\[(?P<code>[^\s\]]+) ?(?P<details>[^\]]*)\])? ?(?P<text>.*)", re.I
)
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
    found = _STATUS.match(line.decode("utf-8", "replace"))
    if found is None:
        raise ValueError("no status")
    return Status(
        result=found["result"].upper(),
        code=(found["code"] or "").upper(),
        details=found["details"] or "",
        text=_CONTROL.sub(" ", found["text"])[:MAX_TEXT].strip(),
    )
