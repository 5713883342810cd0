"""The mails that arrive: samples of every kind, each with an own Message-ID, some too large to travel inline."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dmarq.samples import SampleMail, Totals, make_mails, total
from pipeline.contracts.limits import KiB

LARGE_EVERY = 40
FILLER = b"This reporter likes long preambles, which nobody reads.\r\n" * (300 * KiB // 56)
_MULTIPART_BODY = re.compile(rb'(multipart/[a-z]+;[^\n]*boundary="[^"]+"\r\n\r\n)')
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """Mails in the order of their arrival, and what they must come to."""

    mails: tuple[SampleMail, ...]

    @classmethod
    def of(cls, number: int, *, seed: int) -> "Load":
        """So many mails, the same ones for the same seed."""
        return cls(tuple(_enlarged(number, mail) for number, mail in enumerate(make_mails(number, seed))))

    @property
    def totals(self) -> Totals:
        """What is in the store when every mail was imported once."""
        return total(self.mails)

    def portions(self, size: int) -> Iterator[Sequence[SampleMail]]:
        """The mails in portions of this size; the last one may be smaller."""
        for start in range(0, len(self.mails), size):
            yield self.mails[start : start + size]


def name_of(raw: bytes) -> str:
    """The Message-ID without its brackets: how a mail is known wherever it is found."""
    found = _MESSAGE_ID.search(raw)
    return found[1].decode("ascii") if found else ""


def _enlarged(number: int, mail: SampleMail) -> SampleMail:
    """The same mail, over the size up to which bytes travel inline."""
    if number % LARGE_EVERY:
        return mail
    return replace(mail, raw=_MULTIPART_BODY.sub(rb"\1" + FILLER, mail.raw, count=1))
