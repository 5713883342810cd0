"""Whose a domain is: its organisational domain, found by the tree walk (RFC 9989 section 4.10); pure.

Reporters of RFC 7489 look it up in a list of public suffixes instead, and may come to another answer. So what no
record says in so many words is not certain.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

DMARC = "DMARC1"
TLSRPT = "TLSRPTv1"
MAX_LABELS = 8  # of a name whose parents are asked (RFC 9989 section 4.10)
_SIZE_LIMIT = re.compile(r"!\d+[kmgt]?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """The tags of a record by lower-case name, and its reporting addresses: mail addresses, or https addresses."""

    tags: dict[str, str]
    addresses: tuple[str, ...]


def records(texts: Sequence[str], version: str) -> list[Record]:
    """The texts that are records of this version, which must be their first tag."""
    found = [tags_of(text) for text in texts]
    return [Record(tags, tuple(_addresses(tags.get("rua", "")))) for tags in found if _version(tags) == version]


def dmarc_places(domain: str) -> list[str]:
    """The domains whose `_dmarc` name may hold the record that counts: the domain, then its parents.

    >>> dmarc_places("news.mail.example.com")
    ['news.mail.example.com', 'mail.example.com', 'example.com']
    """
    labels = domain.split(".")
    parents = labels[1:] if len(labels) <= MAX_LABELS else labels[-(MAX_LABELS - 1) :]
    return [domain, *(".".join(parents[start:]) for start in range(len(parents) - 1))]


def host_of(address: str) -> str:
    """The domain of a mail address, in lower case; "" for anything else."""
    return "" if "://" in address else address.rpartition("@")[2].lower().rstrip(".")


def tags_of(text: str) -> dict[str, str]:
    """The tags of a record by lower-case name; of two of one name the last counts."""
    pairs = [part.partition("=") for part in text.split(";")]
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def _version(tags: dict[str, str]) -> str:
    name, value = next(iter(tags.items()), ("", ""))
    return value if name == "v" else ""


def _addresses(rua: str) -> Iterator[str]:
    for uri in filter(None, (part.strip() for part in rua.split(","))):
        scheme, _, rest = uri.partition(":")
        if scheme.lower() == "mailto":
            yield unquote(_SIZE_LIMIT.sub("", rest))
        elif scheme.lower() == "https":
            yield uri


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
