"""The running system: whether its mailboxes can be read, and which domains it hears of."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from dmarq.client import ApiError, Client, segment
from dmarq.doctor.judge import Finding
from pipeline.contracts.connection_test import Weakness
from pipeline.contracts.domain_dns import MAX_SELECTORS, DnsVerdict, Selector
from pipeline.contracts.topology import BLOB_STREAM, STREAMS

NAME = "this system"
MAX_DOMAINS = 50
WAITED_FOR = frozenset((BLOB_STREAM, *(stream.name for stream in STREAMS if stream.refuse_when_full)))
FULL = 0.85
REMEDY = "see with dmarq status what waits, and discard dead letters that nobody needs: dmarq dead"
_REMEDIES = {
    Weakness.NOT_ENCRYPTED: "set security to tls or starttls, unless the server is on the same machine",
    Weakness.CERTIFICATE_NOT_CHECKED: "switch verify_certificate on; paste an internal CA into ca_certificate",
}


def tried(client: Client, mailbox: Mapping[str, Any]) -> list[Finding]:
    """What a connection test of a mailbox says, and what is unsafe about its settings."""
    return [_tested(client, mailbox), *(_unsafe(mailbox, Weakness(word)) for word in mailbox["weaknesses"])]


def stores(client: Client) -> list[Finding]:
    """The streams whose publishers wait, or soon will. Raises ApiError."""
    return [
        Finding(NAME, stream["name"], DnsVerdict.WRONG, f"{stream['fullness']:.0%} full: emails have to wait", REMEDY)
        for stream in client.get("/status")["streams"]
        if stream["name"] in WAITED_FOR and stream["fullness"] >= FULL
    ]


def failed(domain: str, name: str, error: ApiError) -> Finding:
    """The running system could not tell."""
    return Finding(
        domain, name, DnsVerdict.UNKNOWN, error.message, "to look at DNS alone: dmarq doctor --dns-only DOMAIN"
    )


def reported_domains(client: Client) -> list[str]:
    """The domains that reports were received for, whenever that was; those with most messages. Raises ApiError.

    A TLS report may be about several, and some domains have no reports but such.
    """
    found = [row["domain"] for row in client.items("/domains", limit=MAX_DOMAINS)]
    if not found:
        named = (row["domain"].split(", ") for row in client.items("/reports", limit=MAX_DOMAINS))
        found = list(dict.fromkeys(domain for domains in named for domain in domains if domain))
    return found[:MAX_DOMAINS]


def selectors(client: Client, domains: Sequence[str]) -> dict[str, tuple[Selector, ...]]:
    """The DKIM keys that reports on each domain show. Raises ApiError."""
    found = {}
    for domain in domains[:MAX_DOMAINS]:
        try:
            seen = client.get(f"/domains/{segment(domain)}")["selectors"]
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            continue
        keys = [(one["selector"], one["name"]) for one in seen if one["passed"] and one["selector"]]
        found[domain] = tuple(Selector(selector=selector, domain=name) for selector, name in keys[:MAX_SELECTORS])
    return found


def domains_of(addresses: Sequence[str]) -> list[str]:
    """The domains of mail addresses, each once.

    >>> domains_of(["dmarc@example.com", "tls@Example.com"])
    ['example.com']
    """
    return list(dict.fromkeys(address.rpartition("@")[2].lower() for address in addresses))[:MAX_DOMAINS]


def _tested(client: Client, mailbox: Mapping[str, Any]) -> Finding:
    name, host = mailbox["id"], mailbox["host"]
    if not mailbox["enabled"]:
        return Finding(name, host, DnsVerdict.ADVICE, "the mailbox is paused", f"dmarq mailbox resume {name}")
    try:
        answer = client.post(f"/mailboxes/{segment(name)}/test")
    except ApiError as error:
        return failed(name, host, error)
    verdict = DnsVerdict.OK if answer["success"] else DnsVerdict.WRONG
    return Finding(name, host, verdict, answer["summary"], " ".join(answer["recovery_steps"][:2]))


def _unsafe(mailbox: Mapping[str, Any], weakness: Weakness) -> Finding:
    text = f"{weakness.text}: the password and the mails can be read on the way"
    return Finding(mailbox["id"], mailbox["host"], DnsVerdict.ADVICE, text, _REMEDIES[weakness])
