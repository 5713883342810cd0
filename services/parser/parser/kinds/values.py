"""Single values, as senders write them: texts, numbers and dates, made safe and canonical.

Pure functions from a text to a value and the repair that it took. What comes out holds no control character (neither
PostgreSQL text nor a terminal stands them), no lone surrogate and nothing longer than the limit.

Comments (CFWS: RFC 5322 section 3.2.2) stand in parentheses, nested, between any two words.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from math import floor
from typing import Final
from unicodedata import normalize

from pipeline.contracts.repairs import Repair

MAX_BIGINT = 2**63 - 1
EARLIEST_EPOCH_S = 1_262_304_000  # 2010-01-01; DMARC is of 2012, TLS reporting of 2018
LATEST_EPOCH_S = 4_102_444_800  # 2100-01-01; a later period is an error, not a report
EXAMPLE_PERIOD = (302_832_000, 302_918_399)  # of 1979, in the example of RFC 9990, which people send to try things out
MILLISECONDS_FROM = 10**11  # as seconds this would be the year 5138, so it must be milliseconds

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MAX_NUMBER = 100  # characters of a number or a date that are looked at
_NUMBER = re.compile(r"[+-]?[0-9]{1,100}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([ ,'.])[0-9]{3}(?:\1[0-9]{3})*")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE]\+?[0-9]{1,2})?")
_SECONDS = re.compile(r"([+-]?[0-9]{1,40})(\.[0-9]*)?")
_DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_LEAP_SECOND = re.compile(r"(:[0-9]{2}):60")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MAX_DIGITS = 18  # so many digits always fit into 63 bits


def bigint(number: int) -> int:
    """The number, or the largest one that a bigint holds: a sum of honest counts never comes near it."""
    return max(-MAX_BIGINT, min(number, MAX_BIGINT))


def part(number: int, whole: int) -> int:
    """The number as `bigint` has it, or the nearest one that leaves a bigint of the whole when it is taken away."""
    return bigint(max(whole - MAX_BIGINT, min(number, whole + MAX_BIGINT)))


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


def count(text: str) -> tuple[int, Repair | None]:
    """A number of mails. Raises OverflowError where it does not fit into 63 bits."""
    if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS and text[0] != "0":
        return int(text), None
    value = normalize("NFKC", text[:_MAX_NUMBER]).strip()
    if not value:
        return 0, Repair.MISSING_COUNT
    number = _integer(value)
    if number is None:
        return 0, Repair.UNREADABLE_COUNT
    if abs(number) > MAX_BIGINT:
        raise OverflowError(value[:40])
    if number <= 0:
        return number, Repair.COUNT_NOT_POSITIVE
    return number, None if str(number) == text.strip() else Repair.COUNT_FORM


def _integer(value: str) -> int | None:
    """The whole number that the text can only mean: "1,000", "1.000.000", "3.0", "1e3"; but not "1.000" nor "3.7"."""
    if _NUMBER.fullmatch(value):
        return int(value)
    grouped = _GROUPED.fullmatch(value)
    if grouped is not None and (grouped[1] != "." or value.count(".") > 1):
        return int(value.replace(grouped[1], ""))
    if grouped is not None or _DECIMAL.fullmatch(value) is None:
        return None
    number = Decimal(value)
    return int(number) if number == number.to_integral_value() else None


def epoch(text: str) -> tuple[int | None, Repair | None]:
    """Seconds since 1970 in UTC, or None.

    Decimals are cut off; milliseconds (and what is finer), ISO 8601 and dates as digits (20231114) are understood.
    """
    value = text[:_MAX_NUMBER].strip()
    value = value if value.isascii() else normalize("NFKC", value)
    found = _SECONDS.fullmatch(value)
    if found is None:
        return iso_epoch(value), Repair.DATE_FORMAT
    number = int(found[1])
    if EARLIEST_EPOCH_S <= number < LATEST_EPOCH_S:
        return number, Repair.DATE_FORMAT if found[2] else None
    digits = _digits_epoch(value)
    if digits is not None:
        return digits, Repair.DATE_FORMAT
    if number < MILLISECONDS_FROM:
        return number, None
    while number >= MILLISECONDS_FROM:
        number //= 1000
    return number, Repair.DATE_FORMAT


def _digits_epoch(value: str) -> int | None:
    """A date, or a date and a time, of 8, 12 or 14 digits; as seconds they would be before 2010 or after 2100."""
    form = _DIGITS.get(len(value))
    if form is None:
        return None
    try:
        return int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def iso_epoch(text: str) -> int | None:
    """Seconds since 1970 of an ISO 8601 or RFC 3339 date (UTC where no zone is given), or None.

    A leap second (RFC 3339 section 5.7) is the second after the 59th, as POSIX counts.
    """
    value = text.strip().upper()
    leap = _LEAP_SECOND.sub(r"\1:59", value, count=1) if ":60" in value else value
    try:
        moment = datetime.fromisoformat(leap)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return floor(seconds) + (leap != value)


def is_rfc3339(text: str) -> bool:
    """Whether a date has the form of RFC 3339 section 5.6: with a time and a zone."""
    return _RFC_3339.fullmatch(text.strip()) is not None


def is_possible_period(*, begin: int, end: int, earliest: int = EARLIEST_EPOCH_S) -> bool:
    """Whether a period can be: not before the reports were thought of, before 2100, and not ending before it begins."""
    return earliest <= begin <= end < LATEST_EPOCH_S or (begin, end) == EXAMPLE_PERIOD


def period_text(*, begin: int, end: int) -> str:
    """A period for people, in UTC; as bare numbers where they are no times at all."""
    try:
        first, last = (f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}" for moment in (begin, end))
    except (ValueError, OverflowError, OSError):
        first, last = str(begin)[:40], str(end)[:40]
    return f"from {first} to {last}"


MAX_DEPTH: Final = 20  # of comments in comments; deeper ones are none


def without_comments(text: str) -> str:
    """The text without its comments, trimmed. What is in quotes is no comment; one that does not end is text."""
    if "(" not in text:
        return text.strip()
    kept: list[str] = []
    position, quotes_end = 0, True
    while position < len(text):
        if text[position] == "(":
            end = _comment_end(text, position)
            if end < 0:
                kept.append(text[position:])
                break
            kept.append(" ")
        elif text[position] == '"' and quotes_end:  # where one does not end, none is looked for any more
            end = _quote_end(text, position)
            quotes_end = end > position + 1
            kept.append(text[position:end])
        else:
            end = position + 1
            kept.append(text[position])
        position = end
    return " ".join("".join(kept).split())


def _comment_end(text: str, start: int) -> int:
    """The position behind the comment that begins at `start`; -1 where it does not end."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "(":
            depth += 1
            if depth > MAX_DEPTH:
                return -1
        elif character == ")":
            depth -= 1
            if not depth:
                return position + 1
        position += 1
    return -1


def _quote_end(text: str, start: int) -> int:
    """The position behind the quoted text that begins at `start`; behind the quote itself where it does not end."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == '"':
            return position + 1
        position += 1
    return start + 1
