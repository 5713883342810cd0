"""What a server says while somebody signs in may repeat the password or the token; then it is told to nobody."""

from base64 import b64encode
from dataclasses import replace

from fetcher.imap.grammar.faults import Status

WINDOW = 8  # characters: servers cut what they repeat, and what they say is cut here
SHORTEST = 4  # a shorter secret is found in every other word
LEFT_OUT = "(left out: it may repeat the password)"


class Concealer:
    """Knows a secret in all the forms in which it is sent. Nothing of it shows in a repr."""

    def __init__(self, secret: str) -> None:
        self._windows = frozenset(window for form in _forms(secret) for window in _windows(form.casefold()))
        self._is_short = len(secret) < SHORTEST

    def status(self, status: Status) -> Status:
        """The status without its text, where that may repeat the secret, as a BAD does that repeats the command."""
        if (self._is_short and status.result == "BAD") or self.mentions(f"{status.details} {status.text}"):
            return replace(status, details="", text=LEFT_OUT)
        return status

    def mentions(self, text: str) -> bool:
        """Whether the text holds a piece of the secret, in whatever case."""
        folded = text.casefold()
        return any(window in folded for window in self._windows)


def _forms(secret: str) -> list[str]:
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
    return [secret, quoted, *(_inside_base64(secret.encode(), before) for before in range(3))]


def _inside_base64(secret: bytes, before: int) -> str:
    """The characters that only the secret decides, with so many bytes (modulo 3) before it and any after it."""
    coded = b64encode(bytes(before) + secret).decode()
    whole = (before + len(secret)) // 3 * 4
    return coded[(before * 4 + 2) // 3 : whole]


def _windows(form: str) -> set[str]:
    if len(form) < SHORTEST:
        return set()
    return {form[start : start + WINDOW] for start in range(max(1, len(form) - WINDOW + 1))}
