"""May a domain go to a stricter policy? From sums alone, with the numbers it rests on. Pure; no guess.

The steps are those of RFC 9989: none, quarantine, reject, each first with t=y where it is new. A record may carry pct
beside t for receivers of RFC 7489; RFC 9989 removed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.counting import plural
from pipeline.sources.judge import Standing, Verdict

MIN_DAYS = 14
MIN_REPORTERS = 3
MIN_MESSAGES = 100
SHOWN = 10  # sources in the way


class Policy(StrEnum):
    """What a domain asks receivers to do."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


MOST_LOST = {Policy.QUARANTINE: 0.01, Policy.REJECT: 0.005}  # share of the mail that is yours
_ORDER = (Policy.NONE, Policy.QUARANTINE, Policy.REJECT)


@dataclass(frozen=True, slots=True)
class SourceSums:
    """A source, or all addresses of a service, with its verdict."""

    name: str
    verdict: Verdict
    messages: int
    failed: int
    advice: str = ""
    link: str | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """The policy as the last reports saw it; `is_testing`: t=y, or a pct below 100."""

    p: Policy = Policy.NONE
    sp: Policy | None = None
    np: Policy | None = None
    is_testing: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """How much was seen of the domain in the window."""

    days: int
    reporters: int


@dataclass(frozen=True, slots=True)
class Target:
    """One stricter policy: `reasons` say why not yet; none means ready."""

    policy: Policy
    ready: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer. `lost_share` is of `yours`; `next_record` is the policy part of the record to publish next."""

    seen: Seen
    messages: int
    yours: int
    lost: int
    lost_share: float
    forwarded_lost: int
    spoofed: int
    targets: tuple[Target, ...]
    in_the_way: tuple[SourceSums, ...]
    first: str
    next_record: str | None


def readiness(published: Published, seen: Seen, sources: Sequence[SourceSums]) -> Readiness:
    """Whether the domain may ask for quarantine and for reject."""
    mine = [source for source in sources if source.verdict in (Verdict.ALIGNED, Verdict.MISALIGNED)]
    handed_on = [source for source in sources if source.verdict is Verdict.FORWARDED]
    yours = sum(source.messages for source in (*mine, *handed_on))
    lost = sum(source.failed for source in mine)
    lost_share = lost / yours if yours > 0 else 0.0
    reasons = _too_little(seen, yours)
    targets = tuple(_target(policy, lost_share, lost, reasons) for policy in (Policy.QUARANTINE, Policy.REJECT))
    in_the_way = sorted((source for source in mine if source.failed > 0), key=lambda one: (-one.failed, one.name))
    return Readiness(
        seen=seen,
        messages=sum(source.messages for source in sources),
        yours=yours,
        lost=lost,
        lost_share=lost_share,
        forwarded_lost=sum(source.failed for source in handed_on),
        spoofed=sum(source.failed for source in sources if source.verdict is Verdict.FAILING),
        targets=targets,
        in_the_way=tuple(in_the_way[:SHOWN]),
        first=_first(published, targets, in_the_way, reasons),
        next_record=_next_record(published, targets),
    )


def _too_little(seen: Seen, yours: int) -> tuple[str, ...]:
    found = []
    if seen.days < MIN_DAYS:
        found.append(f"reports of {plural(seen.days, 'day')}; {MIN_DAYS} are needed")
    if seen.reporters < MIN_REPORTERS:
        found.append(f"reports of {plural(seen.reporters, 'reporter')}; {MIN_REPORTERS} are needed")
    if yours < MIN_MESSAGES:
        found.append(f"{plural(yours, 'message')} of yours; {MIN_MESSAGES} are needed")
    return tuple(found)


def _target(policy: Policy, lost_share: float, lost: int, reasons: tuple[str, ...]) -> Target:
    most = MOST_LOST[policy]
    if lost_share > most:
        text = f"{lost:,} messages of yours ({lost_share:.2%}) would be lost; at most {most:.1%} may"
        reasons = (*reasons, text)
    return Target(policy, not reasons, reasons)


def _first(
    published: Published, targets: tuple[Target, ...], in_the_way: Sequence[SourceSums], too_little: tuple[str, ...]
) -> str:
    wanted = next((each for each in targets if _ORDER.index(each.policy) > _ORDER.index(published.p)), targets[-1])
    if published.p is Policy.REJECT and not published.is_testing and wanted.ready:
        return "nothing: the policy is reject, and your mail passes"
    if too_little:
        return f"wait: {too_little[0]}"
    if not wanted.ready and in_the_way:
        worst = in_the_way[0]
        return worst.advice or f"authenticate {worst.name}"
    return f"publish {_next_record(published, targets) or 'a record'}"


def _next_record(published: Published, targets: tuple[Target, ...]) -> str | None:
    """The step after the present one, where it is ready; None at the end or where nothing is ready."""
    ready = {target.policy: target.ready for target in targets}
    if published.is_testing and published.p is not Policy.NONE:
        return _record(published.p, published, testing=False) if ready[published.p] else None
    place = _ORDER.index(published.p) + 1
    if place < len(_ORDER):
        return _record(_ORDER[place], published, testing=True) if ready[_ORDER[place]] else None
    return None if published.np is Policy.REJECT else _record(Policy.REJECT, published, testing=False)


def _record(policy: Policy, published: Published, *, testing: bool) -> str:
    """With np=reject: a name that does not exist sends nothing of yours (RFC 9989 section 4.7)."""
    parts = ["v=DMARC1", f"p={policy}"]
    if published.sp is not None and published.sp is not policy:
        parts.append(f"sp={published.sp}")
    parts.append("np=reject")
    if testing:
        parts.append("t=y")
    return "; ".join(parts)
