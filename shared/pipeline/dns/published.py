"""The DMARC policy that DNS has, beside the one that reporters saw: do they say the same? Pure.

Where they do not, receivers act on another policy than the one in DNS: a record that some name servers do not have yet,
another zone inside than outside, a record that only looks valid.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from pipeline.dns.organisation import Record
from pipeline.dns.policies import policy_of

SETTLED = timedelta(days=2)  # a record may be cached for a day, and a report is about a day
LEAST_REPORTS = 3  # that say something of a tag; one reporter may be odd


@dataclass(frozen=True, slots=True)
class PolicyTags:
    """What a policy comes to, in lower case: defaults are filled in for DNS; None is what a report does not say."""

    p: str | None = None
    sp: str | None = None
    np: str | None = None
    adkim: str | None = None
    aspf: str | None = None
    t: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A policy as so many reports have it."""

    tags: PolicyTags
    reports: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A tag of which most reports say other than DNS: `reports` of `counted` say `seen`."""

    tag: str
    in_dns: str
    seen: str
    reports: int
    counted: int

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"DNS has {self.tag}={self.in_dns}, and {self.reports:,} of {self.counted:,} reports since then say "
            f"{self.tag}={self.seen}"
        )


def tags_in_dns(record: Record, *, is_parent: bool) -> PolicyTags:
    """What the record comes to for its own domain, or (`is_parent`) for those below it (RFC 9989 section 4.7).

    sp is p where it is missing, np is sp; alignment is relaxed, and nothing is a test.
    """
    tags = {name: value.lower() for name, value in record.tags.items()}
    p = policy_of(record, is_parent=is_parent)
    sp = p if is_parent or "sp" not in tags else tags["sp"]
    return PolicyTags(
        p=p,
        sp=sp,
        np=tags.get("np", sp),
        adkim="s" if tags.get("adkim") == "s" else "r",
        aspf="s" if tags.get("aspf") == "s" else "r",
        t="y" if tags.get("t") == "y" else "n",
    )


def counted_from(first_at: datetime) -> datetime:
    """Reports that begin from then on had to see the record, which DNS has since `first_at`."""
    return first_at + SETTLED


def differences(in_dns: PolicyTags, reported: Sequence[Reported]) -> tuple[Difference, ...]:
    """The tags of which most reports say something else, in the order of a record.

    `reported` are reports that had to see the record (`counted_from`). What fewer than three of them say is left out,
    and so is what half of them say: no two reporters ask DNS at the same moment.
    """
    found = []
    for field in fields(PolicyTags):
        expected = getattr(in_dns, field.name)
        said: Counter[str] = Counter()
        for one in reported:
            value = getattr(one.tags, field.name)
            if value is not None:
                said[value] += one.reports
        counted = said.total()
        seen, reports = max(said.items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
        if counted >= LEAST_REPORTS and 2 * reports > counted and seen != expected and expected is not None:
            found.append(Difference(field.name, expected, seen, reports, counted))
    return tuple(found)
