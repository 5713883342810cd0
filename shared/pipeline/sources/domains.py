"""Organisational domains, by the list of public suffixes that comes with `publicsuffixlist`; never the network."""

from functools import lru_cache

from publicsuffixlist import PublicSuffixList

MAX_NAME = 253


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=20_000)
def organisational(name: str) -> str:
    """The registrable domain of a name; the name itself where it has none (RFC 7489 section 3.2).

    >>> organisational("news.example.co.uk")
    'example.co.uk'
    """
    plain = name.lower().strip(".")[:MAX_NAME]
    return _suffixes().privatesuffix(plain) or plain


def aligned(identity: str, domain: str) -> bool:
    """Whether an identifier is in relaxed alignment with a domain (RFC 9989 section 4.10, RFC 7489 section 3.1)."""
    return organisational(identity) == organisational(domain)
