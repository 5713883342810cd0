"""Whose a domain is: its organisational domain, found by the tree walk (RFC 9989 section 4.10); pure.

Reporters of RFC 7489 look it up in a list of public suffixes instead, and may come to another answer. So what no
record says in so many words is not certain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dmarq.doctor.records import DMARC, records

Texts = Mapping[str, Sequence[str]]
"""The TXT records at `_dmarc` of a domain and of each parent of it, by that domain; the domain first, then upwards."""


class Kinship(StrEnum):
    """`unsure`: they have a parent in common, and DNS does not say whether it is one organisation's."""

    SAME = "same"
    UNSURE = "unsure"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Organisation:
    """`is_declared`: a record says it itself (the tag psd), so that every reporter that reads it agrees."""

    name: str
    is_declared: bool


def kinship(mine: Texts, theirs: Texts) -> Kinship:
    """Whether two domains are of one organisation, by what was found at and above each."""
    ours, other = organisation(mine), organisation(theirs)
    if ours.name == other.name:
        return Kinship.SAME
    declared = ours.is_declared or other.is_declared
    return Kinship.UNSURE if mine.keys() & theirs.keys() and not declared else Kinship.FOREIGN


def organisation(texts: Texts) -> Organisation:
    """The organisational domain of the first domain of `texts`: itself where there is no record at all."""
    asked = highest = next(iter(texts))
    for place in texts:
        found = records(texts[place], DMARC)
        if len(found) != 1:
            continue
        suffix = found[0].tags.get("psd", "u").lower()
        if suffix == "n":
            return Organisation(place, is_declared=True)
        if suffix == "y" and place != asked:
            return Organisation(_child(place, asked), is_declared=True)
        highest = place
    return Organisation(highest, is_declared=False)


def is_own(host: str, *, place: str, domain: str) -> bool:
    """Whether a host needs no question: it is below the domain whose record counts, or above the one reported on."""
    return _is_below(host, place) or _is_below(domain, host)


def _is_below(name: str, parent: str) -> bool:
    return name == parent or name.endswith(f".{parent}")


def _child(parent: str, name: str) -> str:
    labels = name.split(".")
    return ".".join(labels[-(parent.count(".") + 2) :])
