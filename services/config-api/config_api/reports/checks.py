"""What DKIM and SPF found in a row of a report, in words: the result, and whether it is aligned with From. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from config_api.reports.records import RecordRow
from pipeline.sources.domains import aligned

STRICT = "s"


@dataclass(frozen=True, slots=True)
class Check:
    """One result. `tone` is good where it counts for DMARC, bad where it failed, warn where it passed for another."""

    text: str
    tone: str


def dkim_checks(row: RecordRow, *, mode: str | None) -> list[Check]:
    """Each signature of a row; `mode` is the alignment that the policy asks for, r or s."""
    if not row.dkim_results:
        return [Check("No signature", "bad")]
    return [_signature(each, row.header_from or "", mode) for each in row.dkim_results]


def spf_checks(row: RecordRow, *, mode: str | None) -> list[Check]:
    """Each result for a sender's domain of a row."""
    if not row.spf_results:
        return [Check("Not checked", "bad")]
    return [_sender(each, row.header_from or "", mode) for each in row.spf_results]


def _signature(result: Mapping[str, object], header_from: str, mode: str | None) -> Check:
    domain, word = _text(result, "domain"), _text(result, "result")
    selector = _text(result, "selector")
    signed = f"Signed by {domain or 'an unnamed domain'}" + (f" (selector {selector})" if selector else "")
    if word != "pass":
        return Check(f"{signed}: {_failed(word, 'the signature is not valid')}", "bad")
    return _passed(signed, domain, header_from, mode)


def _sender(result: Mapping[str, object], header_from: str, mode: str | None) -> Check:
    domain, word = _text(result, "domain"), _text(result, "result")
    scope = " (HELO)" if _text(result, "scope") == "helo" else ""
    if word != "pass":
        name = domain or "the sender's domain"
        return Check(f"{name}{scope}: {_failed(word, 'does not allow this server')}", "bad")
    return _passed(f"Sent for {domain or 'an unnamed domain'}{scope}", domain, header_from, mode)


def _passed(told: str, domain: str, header_from: str, mode: str | None) -> Check:
    if is_aligned(domain, header_from, mode):
        return Check(f"{told}, which is aligned", "good")
    if mode == STRICT and domain and aligned(domain, header_from):
        return Check(f"{told}, which is not exactly {header_from}", "warn")
    return Check(f"{told}, which is not your domain", "warn")


def is_aligned(domain: str, header_from: str, mode: str | None) -> bool:
    """Whether a domain speaks for the From domain (RFC 9989, section 4.10)."""
    if not domain or not header_from:
        return False
    if mode == STRICT:
        return domain.rstrip(".").lower() == header_from.rstrip(".").lower()
    return aligned(domain, header_from)


_FAILURES: Mapping[str, str] = {
    "none": "no record was found",
    "neutral": "says nothing about this server (neutral)",
    "softfail": "does not expect this server (softfail)",
    "temperror": "could not be looked up (temperror)",
    "permerror": "its record cannot be read (permerror)",
    "policy": "not accepted by the receiver (policy)",
}


def _failed(word: str, usual: str) -> str:
    if word in ("fail", "hardfail"):
        return usual
    return _FAILURES.get(word, f"the result is {word}" if word else "no result")


def _text(result: Mapping[str, object], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) else ""
