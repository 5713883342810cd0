"""What a domain's DMARC, TLS reporting and BIMI records mean; pure."""

from collections.abc import Sequence

from pipeline.contracts.domain_dns import DnsRecord, DnsVerdict, RecordKind, shown
from pipeline.dns.organisation import DMARC, TLSRPT, Record, records, tags_of

POLICIES = ("none", "quarantine", "reject")
ENFORCED = ("quarantine", "reject")

Judged = tuple[DnsVerdict, str, str]


def policy_of(record: Record, *, is_parent: bool) -> str:
    """The policy that a record asks for: for its own domain, or (`is_parent`) for those below it.

    A word that is no policy counts as none where reports are asked for (RFC 9989 section 4.7).
    """
    word = record.tags.get("sp", record.tags.get("p", "")) if is_parent else record.tags.get("p", "")
    return word.lower() if word.lower() in POLICIES else "none"


def judge_dmarc_record(domain: str, place: str, texts: Sequence[str]) -> DnsRecord:
    """The DMARC record found at `place`: the domain, or the nearest parent that has one (RFC 9989 section 4.10)."""
    found = records(texts, DMARC)
    raw = [text for text in texts if records([text], DMARC)]
    judged = _dmarc(domain, place, found)
    return _record(RecordKind.DMARC, f"_dmarc.{place}", raw, judged)


def judge_tls_record(domain: str, texts: Sequence[str]) -> DnsRecord:
    """The TLS reporting record (RFC 8460 section 3)."""
    found = records(texts, TLSRPT)
    raw = [text for text in texts if records([text], TLSRPT)]
    judged: Judged = (DnsVerdict.ADVICE, "no TLS reports are asked for", 'publish "v=TLSRPTv1; rua=mailto:..." there')
    if len(found) > 1:
        judged = (DnsVerdict.WRONG, "several TLS reporting records, so none counts", "keep one of them")
    elif found and not found[0].addresses:
        judged = (DnsVerdict.WRONG, "the record names no address (rua)", "add rua=mailto:...")
    elif found:
        judged = (DnsVerdict.OK, f"TLS reports go to {', '.join(found[0].addresses)}", "")
    return _record(RecordKind.TLS_RPT, f"_smtp._tls.{domain}", raw, judged)


def judge_bimi(domain: str, texts: Sequence[str], policy: str) -> DnsRecord:
    """The BIMI record of the default selector; a domain may well do without. `policy` is that of its DMARC record."""
    found = [text for text in texts if _first(text) == ("v", "BIMI1")]
    judged: Judged = (DnsVerdict.OK, "mail is shown with the logo of the record", "")
    if not found:
        judged = (DnsVerdict.OK, "no BIMI record: mail is shown without a logo", "")
    elif len(found) > 1:
        judged = (DnsVerdict.WRONG, "several BIMI records, so none counts", "keep one of them")
    elif not tags_of(found[0]).get("l"):
        judged = (DnsVerdict.OK, "the record declines a logo (l is empty)", "")
    elif not tags_of(found[0])["l"].lower().startswith("https://"):
        judged = (DnsVerdict.WRONG, "the logo (l) is no https address", "put it behind https")
    elif policy not in ENFORCED:
        judged = (
            DnsVerdict.ADVICE,
            f"no logo is shown while the DMARC policy is {policy}",
            "go to quarantine or reject",
        )
    return _record(RecordKind.BIMI, f"default._bimi.{domain}", found, judged)


def _dmarc(domain: str, place: str, found: Sequence[Record]) -> Judged:
    if not found:
        remedy = f'publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:..."'
        return DnsVerdict.WRONG, "no DMARC record: anybody may send as the domain, and nobody reports it", remedy
    if len(found) > 1:
        return DnsVerdict.WRONG, "several DMARC records, so none counts", "keep one of them"
    return _broken(found[0].tags) or _policy(domain, place, found[0])


def _broken(tags: dict[str, str]) -> Judged | None:
    for tag in ("p", "sp", "np"):
        if tags.get(tag, "none").lower() not in POLICIES:
            return DnsVerdict.WRONG, f"{tag}={tags[tag][:30]} is no policy", f"choose one of {', '.join(POLICIES)}"
    if "p" not in tags:
        return DnsVerdict.ADVICE, "the record has no p, so it counts as p=none", "begin it with v=DMARC1; p=..."
    return None


def _policy(domain: str, place: str, record: Record) -> Judged:
    tags = record.tags
    policy = policy_of(record, is_parent=place != domain)
    where = f"the policy is {policy}" + (f", by the record of {place}" if place != domain else "")
    if not record.addresses:
        return DnsVerdict.ADVICE, f"{where}; the record asks for no reports (rua)", "add rua=mailto:..."
    if "pct" in tags:
        return DnsVerdict.ADVICE, f"{where}; pct is no longer part of DMARC", "use t=y to test a policy instead"
    if tags.get("t", "").lower() == "y":
        return DnsVerdict.ADVICE, f"{where}, as a test (t=y)", "take t=y out when your own mail passes"
    return DnsVerdict.OK, where, ""


def _first(text: str) -> tuple[str, str]:
    return next(iter(tags_of(text).items()), ("", ""))


def _record(kind: RecordKind, name: str, found: Sequence[str], judged: Judged) -> DnsRecord:
    verdict, text, remedy = judged
    return DnsRecord(kind=kind, name=name, records=shown(found), verdict=verdict, text=shown([text])[0], remedy=remedy)
