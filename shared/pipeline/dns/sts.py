"""MTA-STS (RFC 8461): the TXT record that announces a policy, and the policy behind https; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.contracts.domain_dns import DnsRecord, DnsVerdict, RecordKind, StsSeen, shown
from pipeline.dns.organisation import tags_of

MAX_POLICY_BYTES = 64 * 1024
MAX_PATTERNS = 100  # mx lines that are looked at
MAX_AGE = 31_557_600  # seconds, section 3.2
LEAST_AGE = 7 * 86_400  # seconds; shorter ones are forgotten before the next mail comes
MODES = ("enforce", "testing", "none")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")  # section 3.1

Judged = tuple[DnsVerdict, str, str]


class NoPolicy(Exception):
    """The domain's web server has no policy that a sender would take. The text says why, in words."""


class NotReached(Exception):
    """The web server was not reached from here, which says nothing of the policy. The text says why, in words."""


class StsPolicies(Protocol):
    """Whoever fetches policies."""

    async def fetch(self, domain: str) -> str:
        """The policy's text. Raises NoPolicy, NotReached."""
        ...


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy as it is written; `max_age` in seconds, None where it is no number."""

    version: str
    mode: str
    max_age: int | None
    patterns: tuple[str, ...]

    @property
    def text(self) -> str:
        """In one line, the same for the same policy."""
        lines = [f"version: {self.version}", f"mode: {self.mode}", *(f"mx: {one}" for one in self.patterns)]
        return "; ".join([*lines, f"max_age: {self.max_age}"])


def policy_url(domain: str) -> str:
    """Where the policy of a domain is (section 3.3)."""
    return f"https://mta-sts.{domain}/.well-known/mta-sts.txt"


def sts_records(texts: Sequence[str]) -> list[str]:
    """The texts that are MTA-STS records."""
    return [text for text in texts if next(iter(tags_of(text).items()), None) == ("v", "STSv1")]


def sts_id(text: str) -> str:
    """The id of a record; "" where it is not made of 1 to 32 letters and digits."""
    found = tags_of(text).get("id", "")
    return found if _ID.fullmatch(found) else ""


def judge_sts(domain: str, texts: Sequence[str]) -> DnsRecord:
    """The record (section 3.1)."""
    found = sts_records(texts)
    judged: Judged = (DnsVerdict.OK, "senders are told to look for a policy of encryption", "")
    if not found:
        judged = (
            DnsVerdict.ADVICE,
            "no MTA-STS: whoever stands in between can keep mail to you from being encrypted",
            'publish a policy, and a TXT record there: "v=STSv1; id=1"',
        )
    elif len(found) > 1:
        judged = (DnsVerdict.WRONG, "several MTA-STS records, so none counts", "keep one of them")
    elif not sts_id(found[0]):
        judged = (
            DnsVerdict.WRONG,
            "id is not made of 1 to 32 letters and digits",
            'for example "v=STSv1; id=20260101"',
        )
    return _record(RecordKind.MTA_STS, f"_mta-sts.{domain}", found, judged)


def parse_policy(text: str) -> StsPolicy:
    """Lines of a key, a colon and a value (section 3.2); unknown keys and what has no colon are passed over."""
    values: dict[str, str] = {}
    patterns: list[str] = []
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()[:300]
        if key == "mx" and len(patterns) < MAX_PATTERNS:
            patterns.append(value.lower().rstrip("."))
        elif colon:
            values.setdefault(key, value)
    age = values.get("max_age", "")
    number = int(age) if re.fullmatch(r"[0-9]{1,10}", age) else None
    return StsPolicy(values.get("version", ""), values.get("mode", "").lower(), number, tuple(patterns))


def judge_policy(
    domain: str, record: str, policy: StsPolicy, *, exchanges: Sequence[str], seen: StsSeen | None
) -> DnsRecord:
    """The policy beside its TXT record, the domain's MX hosts, and what was seen before."""
    return _policy_record(domain, (policy.text,), _broken(policy) or _judged(record, policy, exchanges, seen))


def missing_policy(domain: str, why: str) -> DnsRecord:
    """What a domain that announces a policy has instead of one."""
    text = f"the TXT record announces a policy, and there is none: {why}"
    return _policy_record(
        domain, (), (DnsVerdict.WRONG, text, f"serve it at {policy_url(domain)}, or remove the record")
    )


def unknown_policy(domain: str, why: str) -> DnsRecord:
    """What is said where the web server was not reached from here: nothing that was known before changes."""
    return _policy_record(domain, (), (DnsVerdict.UNKNOWN, f"the policy was not reached from here: {why}", ""))


def matches(pattern: str, host: str) -> bool:
    """Whether a pattern means a host: the same name, or one label in the place of "*" (section 4.1).

    >>> matches("*.example.com", "mx.example.com"), matches("*.example.com", "a.mx.example.com")
    (True, False)
    """
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern


def _broken(policy: StsPolicy) -> Judged | None:
    """What makes senders pass over it."""
    if policy.version != "STSv1":
        return (
            DnsVerdict.WRONG,
            "the policy's version is not STSv1, so senders pass over it",
            "begin with version: STSv1",
        )
    if policy.mode not in MODES:
        return (
            DnsVerdict.WRONG,
            f"mode {policy.mode[:30]!r} is none of {', '.join(MODES)}",
            "set mode: testing at first",
        )
    if policy.max_age is None or policy.max_age > MAX_AGE:
        return DnsVerdict.WRONG, f"max_age is no number of seconds up to {MAX_AGE}", "for example max_age: 604800"
    if policy.mode != "none" and not policy.patterns:
        return DnsVerdict.WRONG, "the policy names no mail server", "add a line mx: for each of your MX hosts"
    return None


def _judged(record: str, policy: StsPolicy, exchanges: Sequence[str], seen: StsSeen | None) -> Judged:
    hosts = [host for host in exchanges if not any(matches(one, host) for one in policy.patterns)]
    if policy.mode == "none":
        return DnsVerdict.ADVICE, "the policy is switched off (mode: none)", "set mode: testing, later mode: enforce"
    if hosts:
        text = f"the MX host {hosts[0][:253]} is not in the policy" + (
            ": senders who follow it do not deliver there" if policy.mode == "enforce" else ""
        )
        verdict = DnsVerdict.WRONG if policy.mode == "enforce" else DnsVerdict.ADVICE
        return verdict, text, f"add mx: {hosts[0][:253]}, and give the TXT record another id"
    if seen and seen.policy and seen.policy != shown([policy.text])[0] and sts_id(seen.record) == sts_id(record):
        text = "the policy changed and the id of the TXT record did not: senders keep the policy they know"
        return DnsVerdict.WRONG, text, "give the TXT record another id"
    if policy.mode == "testing":
        text = "failures are reported, and mail is delivered all the same (mode: testing)"
        return DnsVerdict.ADVICE, text, "set mode: enforce when TLS reports show no failures"
    if (policy.max_age or 0) < LEAST_AGE:
        text = f"senders forget the policy after {policy.max_age} seconds"
        return DnsVerdict.ADVICE, text, f"set max_age: {LEAST_AGE} or more"
    return DnsVerdict.OK, "mail to you must be encrypted (mode: enforce), and every MX host is named", ""


def _policy_record(domain: str, texts: Sequence[str], judged: Judged) -> DnsRecord:
    return _record(RecordKind.MTA_STS_POLICY, policy_url(domain), texts, judged)


def _record(kind: RecordKind, name: str, found: Sequence[str], judged: Judged) -> DnsRecord:
    verdict, text, remedy = judged
    return DnsRecord(kind=kind, name=name, records=shown(found), verdict=verdict, text=shown([text])[0], remedy=remedy)
