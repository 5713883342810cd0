"""What DNS says of a domain, and of the host names of addresses: the question to a fetcher, and its answer."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_NAME = 253  # characters of a domain name, RFC 1035 section 2.3.4
MAX_SELECTORS = 20
MAX_ADDRESSES = 100
MAX_RECORDS = 5  # of one kind at one name; two are one too many already
MAX_TEXT = 4096  # characters of a record

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class RecordKind(StrEnum):
    """A record by which a domain says how its mail is to be checked, and where reports go.

    `mta_sts_policy` is no record, but the file behind https that the record announces.
    """

    DMARC = "dmarc"
    SPF = "spf"
    DKIM = "dkim"
    MTA_STS = "mta_sts"
    MTA_STS_POLICY = "mta_sts_policy"
    TLS_RPT = "tls_rpt"
    BIMI = "bimi"


class DnsVerdict(StrEnum):
    """`advice`: it works, but something could be better. `unknown`: DNS did not answer."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Selector(_Shape):
    """A DKIM key that reports show: its selector, and the domain that signs."""

    selector: Name
    domain: Name


class StsSeen(_Shape):
    """The MTA-STS record and its policy as they were found before; "" for none."""

    record: str = Field("", max_length=MAX_TEXT)
    policy: str = Field("", max_length=MAX_TEXT)


class DnsQuestion(_Shape):
    """Ask about this domain now."""

    domain: Name
    sts: StsSeen | None = None
    selectors: tuple[Selector, ...] = Field((), max_length=MAX_SELECTORS)


class DnsRecord(_Shape):
    """What was found at a DNS name, what it means, and what to do about it. `lookups` is of SPF (10 at most)."""

    kind: RecordKind
    name: str
    records: tuple[str, ...] = ()
    verdict: DnsVerdict
    text: str
    remedy: str = ""
    lookups: int | None = None


class DomainDns(_Shape):
    """The answer, one entry a kind; DKIM has one a selector."""

    domain: str
    found: tuple[DnsRecord, ...]

    @property
    def problem(self) -> str:
        """Why nothing at all was learned; "" where something was."""
        unknown = [record for record in self.found if record.verdict is DnsVerdict.UNKNOWN]
        return unknown[0].text if unknown and len(unknown) == len(self.found) else ""


class HostQuestion(_Shape):
    """Ask for the host names of these IP addresses."""

    addresses: tuple[Annotated[str, Field(max_length=45)], ...] = Field(max_length=MAX_ADDRESSES)


class HostAnswer(_Shape):
    """The confirmed name of each address, null where it has none; one that DNS did not answer for is left out."""

    hosts: dict[str, str | None]


def shown(texts: Iterable[str]) -> tuple[str, ...]:
    """Records as they may be kept and shown: in order, few, bounded, without control characters."""
    clean = ("".join(c if c.isprintable() else "?" for c in text[:MAX_TEXT]) for text in texts)
    return tuple(sorted(clean)[:MAX_RECORDS])
