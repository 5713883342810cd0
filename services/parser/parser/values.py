"""Single values, as senders write them: texts, domains, addresses, numbers and dates, made safe and canonical.

Pure functions from a text to a value and the repair that it took. What comes out holds no control character (neither
PostgreSQL text nor a terminal stands them), no lone surrogate and nothing longer than the limit.
"""

import re
import socket
from datetime import UTC, datetime

import idna

from parser.repairs import Repair

MAX_BIGINT = 2**63 - 1
LATEST_EPOCH_S = 4_102_444_800  # 2100-01-01; a later period is an error, not a report
MILLISECONDS_FROM = 10**11  # as seconds this would be the year 5138, so it must be milliseconds

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[ ,'\u00a0][0-9]{3})+")
_DECIMAL = re.compile(r"([+-]?[0-9]{1,40})\.[0-9]*")
_OCTETS = re.compile(r"0*([0-9]{1,3})\.0*([0-9]{1,3})\.0*([0-9]{1,3})\.0*([0-9]{1,3})")
_MAPPED_PREFIX = b"\0" * 10 + b"\xff\xff"
_MAX_DOMAIN = 253
_ORDINARY_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,10}")
_MAX_DIGITS = 18  # so many digits always fit into 63 bits


def plain(text: str) -> str:
    """The text trimmed, in one line, without characters that no text may hold."""
    stripped = text.strip()
    if stripped.isprintable():
        return stripped
    return " ".join(_FORBIDDEN.sub("", stripped).split())


def has_forbidden(text: str) -> bool:
    """Whether the text holds control characters or lone surrogates (line ends and tabs are harmless)."""
    return not text.isprintable() and _FORBIDDEN.search(text) is not None


def cut(text: str, *, max_bytes: int) -> str:
    """The text, shortened to `max_bytes` in UTF-8 at a character's boundary."""
    if len(text) * 4 <= max_bytes:
        return text
    return text.encode()[:max_bytes].decode(errors="ignore")


def report_id(text: str) -> str:
    """The id kept whole: trimmed, in one line, without one pair of angle brackets (RFC 9990 allows them)."""
    value = plain(text)
    if value.startswith("<") and value.endswith(">"):
        return value[1:-1].strip()
    return value


def domain(text: str) -> str:
    """A domain name in lower case, without trailing dot, in its ASCII form where it has one."""
    if _ORDINARY_DOMAIN.fullmatch(text):
        return text
    value = plain(text).lower().rstrip(".")
    if value.isascii() or len(value) > _MAX_DOMAIN:
        return value
    try:
        return idna.encode(value, uts46=True).decode("ascii")
    except idna.IDNAError:
        return value


def address(text: str) -> tuple[str | None, Repair | None]:
    """An IP address in canonical text (IPv4-mapped IPv6 as IPv4), or None where it cannot be read."""
    value = text.strip()
    canonical = _ipv4(value) if ":" not in value else _ipv6(value)
    if canonical is not None:
        return canonical, None
    if not value:
        return None, Repair.MISSING_SOURCE_IP
    unusual = _unusual_address(value)
    return unusual, Repair.UNREADABLE_SOURCE_IP if unusual is None else Repair.SOURCE_IP_FORM


def _ipv4(value: str) -> str | None:
    try:
        socket.inet_pton(socket.AF_INET, value)
    except (OSError, ValueError):
        return None
    return value


def _ipv6(value: str) -> str | None:
    try:
        packed = socket.inet_pton(socket.AF_INET6, value)
    except (OSError, ValueError):
        return None
    if packed.startswith(_MAPPED_PREFIX):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def _unusual_address(value: str) -> str | None:
    """Brackets, zone, prefix length of a single host, leading zeros (read as decimal)."""
    bare = value.strip("[]").partition("%")[0]
    for suffix in ("/32", "/128"):
        bare = bare.removesuffix(suffix)
    octets = _OCTETS.fullmatch(bare)
    if octets is not None:
        return _ipv4(".".join(octets.groups()))
    return _ipv6(bare) if ":" in bare else _ipv4(bare)


def count(text: str) -> tuple[int, Repair | None]:
    """A number of mails. Raises OverflowError where it does not fit into 63 bits."""
    if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS:
        number = int(text)
        return number, None if number else Repair.COUNT_NOT_POSITIVE
    value = text.strip()
    found, repair = _integer(value)
    if found is None:
        return 0, repair
    number = found
    if abs(number) > MAX_BIGINT:
        raise OverflowError(value[:40])
    return number, repair or (Repair.COUNT_NOT_POSITIVE if number <= 0 else None)


def _integer(value: str) -> tuple[int | None, Repair | None]:
    if _NUMBER.fullmatch(value):
        return int(value), None
    if not value:
        return None, Repair.MISSING_COUNT
    if _GROUPED.fullmatch(value):
        return int(re.sub("[ ,'\u00a0]", "", value)), Repair.COUNT_FORM
    decimal = _DECIMAL.fullmatch(value)
    if decimal is not None:
        return int(decimal.group(1)), Repair.COUNT_FORM
    if value.lstrip("+-").isdecimal() and value.isascii():
        raise OverflowError(value[:40])
    return None, Repair.UNREADABLE_COUNT


def epoch(text: str) -> tuple[int | None, Repair | None]:
    """Seconds since 1970 in UTC. Decimals are cut off, milliseconds and ISO 8601 are understood; else None."""
    value = text.strip()
    number, repair = _integer_epoch(value)
    if number is None:
        return iso_epoch(value), Repair.DATE_FORMAT
    if number >= MILLISECONDS_FROM:
        return number // 1000, Repair.DATE_FORMAT
    return number, repair


def _integer_epoch(value: str) -> tuple[int | None, Repair | None]:
    if _NUMBER.fullmatch(value):
        return int(value), None
    decimal = _DECIMAL.fullmatch(value)
    return (int(decimal.group(1)), Repair.DATE_FORMAT) if decimal is not None else (None, None)


def iso_epoch(text: str) -> int | None:
    """Seconds since 1970 of an ISO 8601 or RFC 3339 date (UTC where no zone is given), or None."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def is_possible_period(*, begin: int, end: int) -> bool:
    """Whether a period can be: after 1970, before 2100, and not ending before it begins (RFC 7489 section 7.2)."""
    return 0 < begin <= end < LATEST_EPOCH_S
