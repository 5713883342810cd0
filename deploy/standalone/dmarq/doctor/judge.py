"""What the answers of DNS mean for the reports of a domain; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.contracts.domain_dns import DnsVerdict
from pipeline.dns.organisation import DMARC, TLSRPT, Kinship, Record, host_of, is_own, records


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is the DNS name that was asked, `text` what it means, `remedy` what to do about it."""

    domain: str
    name: str
    verdict: DnsVerdict
    text: str
    remedy: str = ""


def judge_dmarc(domain: str, place: str, texts: Sequence[str], ours: Collection[str]) -> Finding:
    """The `_dmarc` record found at `place` (the domain or a parent of it); `ours` are the addresses we read."""
    name = f"_dmarc.{place}"
    found = records(texts, DMARC)
    remedy = f'publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:{_example(ours, domain)}"'
    if not found:
        return Finding(domain, name, DnsVerdict.WRONG, "no DMARC record: nobody sends reports", remedy)
    if len(found) > 1:
        return Finding(domain, name, DnsVerdict.WRONG, "several DMARC records, so none counts", "keep one of them")
    if not found[0].addresses:
        remedy = f"add rua=mailto:{_example(ours, domain)}"
        return Finding(domain, name, DnsVerdict.WRONG, "the record asks for no aggregate reports (rua)", remedy)
    return _addressed(domain, name, found[0], ours)


def judge_tls(domain: str, texts: Sequence[str], ours: Collection[str]) -> Finding:
    """The `_smtp._tls` record, which asks for TLS reports; a domain may well do without."""
    name = f"_smtp._tls.{domain}"
    found = records(texts, TLSRPT)
    if not found:
        remedy = f'publish a TXT record there: "v=TLSRPTv1; rua=mailto:{_example(ours, domain)}"'
        return Finding(domain, name, DnsVerdict.ADVICE, "no TLS reports are asked for", remedy)
    if len(found) > 1:
        return Finding(
            domain, name, DnsVerdict.WRONG, "several TLS reporting records, so none counts", "keep one of them"
        )
    if not found[0].addresses:
        return Finding(domain, name, DnsVerdict.WRONG, "the record names no address (rua)", "add rua=mailto:...")
    return _addressed(domain, name, found[0], ours)


def external_hosts(domain: str, place: str, texts: Sequence[str]) -> list[str]:
    """The hosts of the record's addresses that may have to agree to receive this domain's reports.

    `place` is the domain whose record counts: what lies below it is the domain's own.
    """
    addresses = [address for record in records(texts, DMARC) for address in record.addresses]
    hosts = dict.fromkeys(filter(None, map(host_of, addresses)))
    return [host for host in hosts if not is_own(host, place=place, domain=domain)]


def judge_agreement(domain: str, texts: Sequence[str], *, place: str, host: str, relation: Kinship) -> Finding:
    """Whether `host` agrees to receive the reports that the record of `place` sends there; `relation`: whose it is."""
    name = agreement_name(place=place, host=host)
    if records(texts, DMARC):
        return Finding(domain, name, DnsVerdict.OK, f"{host} agrees to receive the reports of {place}")
    if relation is Kinship.SAME:
        return Finding(domain, name, DnsVerdict.OK, f"{host} is of the same organisation as {place}: it need not agree")
    remedy = f'whoever runs {host} publishes a TXT record there: "v=DMARC1"'
    text = f"{host} does not agree to receive the reports of {place}"
    if relation is Kinship.UNSURE:
        return Finding(domain, name, DnsVerdict.ADVICE, f"{text}: reporters that see two owners send none", remedy)
    return Finding(domain, name, DnsVerdict.WRONG, f"{text}: most reporters send none", remedy)


def agreement_name(*, place: str, host: str) -> str:
    """Where `host` says that it agrees with the record of `place` (RFC 7489 section 7.1, RFC 9990 section 4)."""
    return f"{place}._report._dmarc.{host}"


def judge_delivery(domain: str, host: str, *, has_mail: bool) -> Finding:
    """Whether mail to `host` can be delivered at all."""
    if has_mail:
        return Finding(domain, host, DnsVerdict.OK, f"mail to {host} can be delivered")
    text = f"{host} takes no mail: it has neither an MX record nor an address"
    return Finding(domain, host, DnsVerdict.WRONG, text, "check the address in rua for typing errors, or publish an MX")


def unanswered(domain: str, name: str, why: str) -> Finding:
    """DNS could not be asked about this."""
    return Finding(domain, name, DnsVerdict.UNKNOWN, f"DNS does not answer ({why})", "try again when you are online")


def unknown_domain(domain: str) -> Finding:
    """DNS says that there is no such domain, so that a missing record means nothing."""
    text = "DNS here knows no such domain"
    remedy = "look for a typing error; or this name server does not see the internet: try another with --server"
    return Finding(domain, domain, DnsVerdict.UNKNOWN, text, remedy)


def _addressed(domain: str, name: str, record: Record, ours: Collection[str]) -> Finding:
    there = ", ".join(record.addresses)
    known = {address.lower() for address in ours}
    if not known or known.intersection(address.lower() for address in record.addresses):
        return Finding(domain, name, DnsVerdict.OK, f"reports go to {there}")
    text = f"reports go to {there}; no mailbox here is {'one of them' if len(record.addresses) > 1 else 'that'}"
    remedy = f"add {_example(ours, domain)} to rua, or see that mail to {there} is forwarded to it"
    return Finding(domain, name, DnsVerdict.ADVICE, text, remedy)


def _example(ours: Collection[str], domain: str) -> str:
    return next(iter(sorted(ours)), f"dmarc@{domain}")
