"""What to look for in a folder, and how IMAP says it (RFC 3501 section 6.4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from fetcher.imap.grammar.quoting import Argument, text

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Criteria:
    """Mails with a UID in (after_uid, up_to_uid], received on `since` or later, from any of the senders, with any of
    the words in the subject. An empty tuple or None asks for nothing.
    """

    after_uid: int = 0
    up_to_uid: int | None = None
    since: date | None = None
    senders: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def without_text(self) -> "Criteria":
        """The same for a server that cannot search text as we mean it: it finds more, headers decide later."""
        return replace(self, senders=(), subjects=())

    @property
    def charset_needed(self) -> bool:
        """Whether a key is not ASCII, so that the server must be told a charset."""
        return not all(word.isascii() for word in (*self.senders, *self.subjects))

    def wanted(self, uid: int) -> bool:
        """Whether the UID is in range: "9:*" names the last email even where its UID is below 9."""
        return uid > self.after_uid and (self.up_to_uid is None or uid <= self.up_to_uid)

    def keys(self) -> list[Argument]:
        """The search keys; all must hold."""
        keys: list[Argument] = ["UID", f"{self.after_uid + 1}:{self.up_to_uid or '*'}"]
        if self.since is not None:
            # strftime would write the month in the language of the machine
            keys += ["SINCE", f"{self.since.day}-{_MONTHS[self.since.month - 1]}-{self.since.year:04}"]
        return keys + _any("FROM", self.senders) + _any("SUBJECT", self.subjects)


def _any(key: str, words: Sequence[str]) -> list[Argument]:
    alternatives: list[Argument] = ["OR"] * (len(words) - 1)
    for word in words:
        alternatives += [key, text(word)]
    return alternatives
