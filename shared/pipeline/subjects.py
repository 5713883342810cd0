"""Strings from outside as subject tokens: one token each, never a wildcard, bounded."""

import re

_UNSAFE = re.compile(r"[^a-z0-9_-]")
MAX_TOKEN_LENGTH = 253  # a domain name's own limit, RFC 1035 section 2.3.4


def domain_token(domain: str) -> str:
    """A domain as one subject token: dots as "_", anything else that is not a letter, digit or hyphen as "-".

    >>> domain_token("Mail.example.com")
    'mail_example_com'
    """
    return _UNSAFE.sub("-", domain.lower().replace(".", "_"))[:MAX_TOKEN_LENGTH] or "-"
