"""What happened to each sample domain, so that its pages have something to tell. Pure: it changes no sums.

example.com went from p=none to quarantine, and is spoofed since; example.net has a server of its own that fails since
its key was changed; shop.example uses a service that signs with its own domain alone; example.org is often forwarded;
mail.example is in order.
"""

from typing import NamedTuple

SPOOFED, STEPPED, BROKEN, UNSIGNED = "example.com", "example.com", "example.net", "shop.example"
POLICIES = {"example.com": "quarantine", "example.net": "quarantine", "shop.example": "none"}  # of others: reject
STEP_DAYS, WAVE_DAYS, BROKEN_DAYS = 14, 12, 9  # before the last day of the samples
SERVERS = tuple(f"192.0.2.{host}" for host in range(10, 42)) + tuple(f"2001:db8::{host:x}" for host in range(1, 9))
BROKEN_SERVER = "192.0.2.50"
SERVICE = "sendgrid.net"
FORWARDERS = 6
STRANGERS = 254


class SampleRow(NamedTuple):
    """One row: `sent` messages from one address. `dkim` and `spf` are the aligned results.

    `service`: the domain that signed instead, where a service sends in the name of others.
    """

    source_ip: str
    sent: int
    disposition: str
    dkim: bool
    spf: bool
    envelope_from: str
    override: str | None
    service: str | None = None


def policy(domain: str, days_ago: int) -> str:
    """What the domain asked receivers to do."""
    if domain == STEPPED and days_ago > STEP_DAYS:
        return "none"
    return POLICIES.get(domain, "reject")


def told(row: SampleRow, domain: str, days_ago: int) -> SampleRow:
    """The row as the domain's story has it: the same count, perhaps from elsewhere or with other results."""
    place = _place(row.source_ip)
    if row.dkim and row.spf:
        told_row = _own(row, domain, days_ago, place)
    elif row.dkim:
        told_row = row._replace(source_ip=f"198.51.100.{1 + place % FORWARDERS}")
    elif domain == SPOOFED and days_ago <= WAVE_DAYS:
        told_row = row
    else:
        told_row = row if place % 8 == 0 else _passing(row, domain, place)
    is_stopped = not (told_row.dkim or told_row.spf)
    return told_row._replace(disposition=policy(domain, days_ago) if is_stopped else "none")


def _own(row: SampleRow, domain: str, days_ago: int, place: int) -> SampleRow:
    if domain == SPOOFED and days_ago <= WAVE_DAYS and place % 4:
        stranger = f"203.0.113.{1 + (row.sent * 37 + place * 11) % STRANGERS}"
        return row._replace(source_ip=stranger, dkim=False, spf=False, envelope_from="spoofed.example")
    if domain == BROKEN and place % 5 == 0:
        works = days_ago > BROKEN_DAYS
        return row._replace(source_ip=BROKEN_SERVER, dkim=works, spf=works)
    if domain == UNSIGNED and place % 3 == 0:
        envelope = f"u{place}.wl.{SERVICE}"
        address = f"192.0.2.{200 + place % 4}"
        return row._replace(source_ip=address, dkim=False, spf=False, envelope_from=envelope, service=SERVICE)
    return row


def _passing(row: SampleRow, domain: str, place: int) -> SampleRow:
    server = SERVERS[place % len(SERVERS)]
    return row._replace(source_ip=server, dkim=True, spf=True, envelope_from=domain)


def _place(address: str) -> int:
    """The last number of an address."""
    return int(address.rpartition(":")[2], 16) if ":" in address else int(address.rpartition(".")[2])
