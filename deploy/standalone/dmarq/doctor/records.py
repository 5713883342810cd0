"""DMARC and TLS reporting records (RFC 7489 section 6.3, RFC 9989, RFC 8460 section 3) as their tags; pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    found = [_tags(text) for text in texts]
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


def _tags(text: str) -> dict[str, str]:
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
