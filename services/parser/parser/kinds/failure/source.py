"""What a failure report is made from: the mail, the fields of its machine-readable part, and the reported mail."""

import re
from dataclasses import dataclass, field
from hashlib import sha256

from parser.kinds.domains import noted_domain
from parser.kinds.failure.feedback import Feedback
from parser.kinds.notes import Notes
from parser.kinds.reading import Hints, SampleKept
from parser.kinds.values import without_comments
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from pipeline.mailformat.fields import Fields
from pipeline.mailformat.words import decoded_words

MAX_REPEATED = 100
_ADDRESS = re.compile(r"([A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,128})@(?=[A-Za-z0-9\[])")
_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Source:
    """All that a failure report is made from, with the questions that are asked of it.

    `raw` gets, by the field's name, what is given otherwise than it was sent.
    """

    mail: Fields
    fields: Feedback
    sample: bytes | None
    notes: Notes
    hints: Hints
    sample_kept: SampleKept
    raw: dict[str, str] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """The first field of this name."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """All fields of this name that say something."""
        texts = (self.notes.text(value) for value in self.fields.get(name, ())[:MAX_REPEATED])
        return tuple(text for text in texts if text)

    def value(self, name: str) -> str | None:
        """The first field of this name without comments, which the grammar allows round every value (RFC 5965 3.5).

        That another one says something else is noted.
        """
        text = self.first(name)
        if len(self.fields.get(name, ())) > 1:
            self.notes.add(Repair.REPEATED_ELEMENT)
        return None if text is None else self._bare(name, text)

    def values(self, name: str) -> tuple[str, ...]:
        """All fields of this name, without comments."""
        return tuple(bare for text in self.all(name) if (bare := self._bare(name, text)))

    def only(self, name: str) -> str | None:
        """As `value`. Raises Rejected where a field that decides what the report says is there twice and differs."""
        if len({without_comments(text) for text in self.all(name)}) > 1:
            raise Rejected(Reason.AMBIGUOUS_REPORT, f"two different {name}")
        return self.value(name)

    def domains(self, name: str) -> tuple[str, ...]:
        """The domain names of all fields of this name; what is none is noted and stays in `raw`."""
        found = []
        for text in self.all(name):
            bare = without_comments(text)
            domain = noted_domain(bare, self.notes, where=name)
            if domain != text:
                self.keep(name, text)
            found.append(domain)
        return tuple(dict.fromkeys(filter(None, found)))

    def keep(self, name: str, text: str) -> None:
        """Keep a value as it was sent, as far as the redaction setting allows."""
        self.raw.setdefault(name, self.private(text) or "")

    def _bare(self, name: str, text: str) -> str | None:
        bare = without_comments(text)
        if bare != text:
            self.keep(name, text)
        return bare or None

    def private(self, text: str | None) -> str | None:
        """A text with addresses, as the redaction setting leaves it."""
        return text if text is None or self.sample_kept is SampleKept.WHOLE else redacted(text)

    def mail_header(self, name: str) -> str | None:
        """A header of the mail that brought the report."""
        return self.notes.text(decoded_words(self.mail.text(name.lower())))

    def number(self, name: str, *, largest: int) -> int | None:
        """A number from 0 to `largest`, else None."""
        text = self.only(name)
        if text is None:
            return None
        if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= largest:
            return int(text)
        self.unreadable(name, text)
        return None

    def unreadable(self, name: str, text: str) -> None:
        """Note a value that is left out, or taken from elsewhere."""
        self.keep(name, text)
        self.notes.change(Repair.UNREADABLE_VALUE, where=name, sent=self.private(text) or "", given=None)


def redacted(text: str) -> str:
    """The text with the local part of every address replaced by a hash (RFC 6590): equal addresses stay equal."""
    return _ADDRESS.sub(lambda found: _hashed(found.group(1)) + "@", text)


def _hashed(local_part: str) -> str:
    return sha256(local_part.encode(errors="replace")).hexdigest()[:_HASH_DIGITS]
