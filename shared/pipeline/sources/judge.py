"""What a source is to a domain, by rules in order. Pure; docs/sources.md has the numbers, `evidence` the words.

A source is an address that sent as a domain. Sums are of the last `WINDOW_DAYS` days that reports speak of.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.sources.catalogue import PASSING, SENDING, Service
from pipeline.sources.changes import Change, changes_of
from pipeline.sources.domains import aligned
from pipeline.sources.naming import Identity, Mechanism

GOOD_SHARE = 0.98  # of a source's messages that pass: it is in order
OWN_SHARE = 0.2  # of them that pass: who signs so many holds a key of the domain
OVERRIDE_SHARE = 0.5  # of them that reporters call forwarded: it forwards


class Verdict(StrEnum):
    """What a source is; in the order in which somebody should look at them."""

    MISALIGNED = "misaligned"
    FAILING = "failing"
    UNKNOWN = "unknown"
    FORWARDED = "forwarded"
    ALIGNED = "aligned"
    IGNORED = "ignored"

    @property
    def text(self) -> str:
        """In words, as people read it in lists."""
        return _TEXTS[self]

    @property
    def severity(self) -> int:
        """The place in that order, from 0."""
        return list(Verdict).index(self)


_TEXTS = {
    Verdict.MISALIGNED: "Yours, failing",
    Verdict.FAILING: "Not yours, failing",
    Verdict.UNKNOWN: "Undecided",
    Verdict.FORWARDED: "Forwarding",
    Verdict.ALIGNED: "Passing",
    Verdict.IGNORED: "Ignored",
}


class Standing(StrEnum):
    """What a person said of a source or a service."""

    OURS = "ours"
    NOT_OURS = "not_ours"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Sums:
    """Messages of a source for a domain.

    `dkim` and `spf` passed in alignment; `overridden` are those that reporters call forwarded or from a mailing list.
    """

    messages: int = 0
    passed: int = 0
    dkim: int = 0
    spf: int = 0
    quarantined: int = 0
    rejected: int = 0
    overridden: int = 0

    @property
    def failed(self) -> int:
        """Messages for which neither passed."""
        return self.messages - self.passed

    def share(self, part: int) -> float:
        """The part as a share of the messages; 0 of none."""
        return part / self.messages if self.messages > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a source. `is_known_sender`: other addresses of its service pass for this domain."""

    domain: str
    source: str
    now: Sums
    before: Sums = Sums()
    service: Service | None = None
    standing: Standing | None = None
    identities: tuple[Identity, ...] = ()
    is_known_sender: bool = False
    first_day: date | None = None
    last_day: date | None = None
    window_end: date | None = None
    domain_since: date | None = None

    @property
    def name(self) -> str:
        """The service's name, else the address."""
        return self.service.name if self.service else self.source


def weigh(facts: Facts) -> tuple[Verdict, tuple[Change, ...]]:
    """The verdict and the changes alone: what is kept of every source."""
    verdict = _verdict(facts)
    return verdict, () if verdict is Verdict.IGNORED else changes_of(facts)


def _verdict(facts: Facts) -> Verdict:
    """The first rule that applies."""
    now = facts.now if facts.now.messages > 0 else facts.before
    if facts.standing is Standing.IGNORE:
        return Verdict.IGNORED
    if now.messages <= 0:
        return Verdict.UNKNOWN
    if now.share(now.overridden) >= OVERRIDE_SHARE or _hands_on(facts, now):
        return Verdict.FORWARDED
    if now.share(now.passed) >= GOOD_SHARE:
        return Verdict.ALIGNED
    if is_yours(facts):
        return Verdict.MISALIGNED
    return Verdict.FAILING if now.passed == 0 or facts.standing is Standing.NOT_OURS else Verdict.UNKNOWN


def is_yours(facts: Facts) -> bool:
    """Whether the source sends for the domain's owner: said so, holding a key, or a service that the owner uses.

    Who passed in the window before still does, and so does who authenticates as a name of the domain that only strict
    alignment does not count.
    """
    if facts.standing is not None:
        return facts.standing is Standing.OURS
    share = max(sums.share(sums.passed) for sums in (facts.now, facts.before))
    if share >= OWN_SHARE or facts.is_known_sender or strictly_unaligned(facts):
        return True
    return facts.service is not None and facts.service.kind in SENDING and _proves_service(facts, facts.service)


def strictly_unaligned(facts: Facts) -> tuple[Identity, ...]:
    """Names of the domain that passed of late and do not count, as nothing did by that mechanism: adkim=s or aspf=s."""
    counted = {Mechanism.DKIM: facts.now.dkim, Mechanism.SPF: facts.now.spf}
    passed = (one for one in facts.identities if one.passed and one.is_recent and counted[one.mechanism] <= 0)
    return tuple(one for one in passed if facts.now.messages > 0 and aligned(one.domain, facts.domain))


def _hands_on(facts: Facts, now: Sums) -> bool:
    """A signature of the domain survives where SPF never does, at somebody who hands on others' mail."""
    if facts.standing is Standing.OURS or now.dkim == 0 or now.spf > 0:
        return False
    passes_on = facts.service is not None and facts.service.kind in PASSING
    envelope = [identity for identity in facts.identities if identity.mechanism is Mechanism.SPF]
    unnamed = facts.service is None and any(not aligned(identity.domain, facts.domain) for identity in envelope)
    return passes_on or (unnamed and now.share(now.dkim) < GOOD_SHARE)


def _proves_service(facts: Facts, service: Service) -> bool:
    """Whether a domain of the service passed: a host name alone may be anybody's."""
    return any(
        identity.passed and any(_is_below(identity.domain, domain) for domain in service.domains)
        for identity in facts.identities
    )


def _is_below(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
