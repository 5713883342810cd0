"""A DKIM key record: whether mail can be signed with it (RFC 6376 section 3.6.1, RFC 8301, RFC 8463); pure."""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pipeline.contracts.domain_dns import DnsRecord, DnsVerdict, RecordKind, Selector, shown
from pipeline.dns.organisation import tags_of

WEAK_BITS = 1024  # RFC 8301 section 3.2: shorter ones do not verify
GOOD_BITS = 2048
ED25519_BYTES = 32
_NEW_KEY = "make a new key where the mail is signed, and publish that"


def key_name(key: Selector) -> str:
    """Where a key is published."""
    return f"{key.selector}._domainkey.{key.domain}".lower()


def judge_key(key: Selector, texts: Sequence[str]) -> DnsRecord:
    """What the TXT records at a key's name mean."""
    found = [text for text in texts if "p" in tags_of(text)]
    verdict, text, remedy = _judged(found)
    return DnsRecord(
        kind=RecordKind.DKIM,
        name=key_name(key),
        records=shown(found),
        verdict=verdict,
        text=text,
        remedy=remedy,
    )


def _judged(found: Sequence[str]) -> tuple[DnsVerdict, str, str]:
    if not found:
        text = "no key, though reports show signatures with this selector"
        return DnsVerdict.ADVICE, text, "publish the key again, unless nothing signs with it any more"
    if len(found) > 1:
        return DnsVerdict.WRONG, "several keys at one name: which one counts is chance", "keep one of them"
    tags = tags_of(found[0])
    if tags.get("v", "DKIM1") != "DKIM1":
        return DnsVerdict.WRONG, "the record is of no known version", 'begin it with "v=DKIM1"'
    if not tags["p"]:
        return DnsVerdict.ADVICE, "the key was revoked (p is empty)", "sign with another one"
    return _strength(tags)


def _strength(tags: dict[str, str]) -> tuple[DnsVerdict, str, str]:
    kind = tags.get("k", "rsa").lower()
    try:
        data = base64.b64decode("".join(tags["p"].split()), validate=True)
        bits = _bits(data) if kind == "rsa" else 0
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return DnsVerdict.WRONG, "p is no key", "copy the key again, whole and without line breaks"
    if kind == "ed25519":
        if len(data) != ED25519_BYTES:
            return DnsVerdict.WRONG, "p is no Ed25519 key", "copy the key again"
        return _tested(tags, "an Ed25519 key")
    if kind != "rsa":
        return DnsVerdict.WRONG, "the key is of an unknown kind (k)", _NEW_KEY
    if bits < WEAK_BITS:
        return DnsVerdict.WRONG, f"an RSA key of {bits} bits: receivers refuse it", _NEW_KEY
    if bits < GOOD_BITS:
        return DnsVerdict.ADVICE, f"an RSA key of {bits} bits; {GOOD_BITS} are usual", _NEW_KEY
    return _tested(tags, f"an RSA key of {bits} bits")


def _tested(tags: dict[str, str], text: str) -> tuple[DnsVerdict, str, str]:
    if "y" in [flag.strip().lower() for flag in tags.get("t", "").split(":")]:
        return DnsVerdict.ADVICE, f"{text}, marked as a test (t=y)", "take t=y out when the test is over"
    return DnsVerdict.OK, text, ""


def _bits(data: bytes) -> int:
    """Raises ValueError where it is no RSA key."""
    key = load_der_public_key(data)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("another kind of key")
    return key.key_size
