"""The service behind a source, from the domains it authenticated as. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.sources.catalogue import Catalogue, Service


class Mechanism(StrEnum):
    """How a domain was authenticated."""

    DKIM = "dkim"
    SPF = "spf"


@dataclass(frozen=True, slots=True)
class Identity:
    """A domain that a source authenticated as, or tried to. `selector` is DKIM's, else empty.

    `is_recent`: it was seen in the window that sources are judged by.
    """

    mechanism: Mechanism
    domain: str
    passed: bool
    selector: str = ""
    is_recent: bool = True


def service_of(catalogue: Catalogue, identities: Iterable[Identity], *, host: str | None = None) -> Service | None:
    """Whose address this is.

    SPF speaks of the host that sends, so its domain counts before a signature, which may come from further away
    (a forwarder keeps it). Then the host's confirmed name. What did not pass proves nothing.
    """
    passed = [identity for identity in identities if identity.passed]
    spf = sorted({identity.domain for identity in passed if identity.mechanism is Mechanism.SPF})
    dkim = sorted({identity.domain for identity in passed if identity.mechanism is Mechanism.DKIM})
    for names in (spf, [host] if host else [], dkim):
        for name in names:
            service = catalogue.of_domain(name)
            if service is not None:
                return service
    return None
