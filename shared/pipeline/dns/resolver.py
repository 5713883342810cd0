"""Questions to DNS; the only file that knows dnspython."""

from collections.abc import Sequence
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
import dns.reversename
from dns.rdtypes.ANY.TXT import TXT

LIFETIME_S = 5.0
MAX_TEXTS = 50
MAX_NAMES = 5  # host names of an address that are confirmed
_NO_SUCH_NAME = (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong)
_NO_NAME = (*_NO_SUCH_NAME, dns.name.BadEscape)


class Offline(Exception):
    """DNS gave no answer: no network, no name server, or one that fails. The text says which."""


class TxtRecords(Protocol):
    """Whoever knows TXT records."""

    async def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name. Raises Offline."""
        ...


class MailRecords(TxtRecords, Protocol):
    """Whoever knows MX records, too."""

    async def exchanges(self, domain: str) -> Sequence[str]:
        """The hosts that take a domain's mail, the first choice first. Raises Offline."""
        ...


class Dns:
    """Asks the machine's name servers, or the one at `server`."""

    def __init__(self, server: str = "", *, port: int = 53) -> None:
        """Raises Offline when the machine has no name server configured, or `server` is none."""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not server)
            if server:
                self._resolver.nameservers = [server]
        except (dns.resolver.NoResolverConfiguration, ValueError) as error:
            raise Offline(f"no name server: {error}") from error
        self._resolver.port = port
        self._resolver.lifetime = LIFETIME_S

    async def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name; none where there is no such name. Raises Offline."""
        answer = await self._ask(name, "TXT")
        texts = [b"".join(data.strings) for data in answer or () if isinstance(data, TXT)]
        return [text.decode("utf-8", "replace") for text in texts[:MAX_TEXTS]]

    async def exchanges(self, domain: str) -> Sequence[str]:
        """The hosts of a domain's MX records in lower case, those preferred first; none without. Raises Offline."""
        answer = await self._ask(domain, "MX")
        found = sorted((data.preference, data.exchange.to_text(omit_final_dot=True).lower()) for data in answer or ())
        return [host for _, host in found if host][:MAX_TEXTS]

    async def takes_mail(self, host: str) -> bool:
        """Whether mail can be delivered there: an MX that is not the null MX (RFC 7505), or an address."""
        exchanges = await self._ask(host, "MX")
        if exchanges is not None:
            return any(data.exchange != dns.name.root for data in exchanges)
        return await self._ask(host, "A") is not None or await self._ask(host, "AAAA") is not None

    async def knows(self, domain: str) -> bool:
        """Whether there is such a domain at all, whatever it holds. Raises Offline."""
        try:
            await self._resolver.resolve(domain, "SOA", raise_on_no_answer=False)
        except _NO_NAME:
            return False
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise Offline(_why(error)) from error
        return True

    async def host_names(self, address: str) -> Sequence[str]:
        """The names that an IP address claims (PTR), in lower case; a claim proves nothing. Raises Offline."""
        try:
            name = dns.reversename.from_address(address).to_text()
        except (dns.exception.SyntaxError, ValueError):
            return ()
        answer = await self._ask(name, "PTR")
        return [data.target.to_text(omit_final_dot=True).lower() for data in list(answer or ())[:MAX_NAMES]]

    async def addresses(self, host: str, *, v6: bool) -> Sequence[str]:
        """The addresses of a host, of one family. Raises Offline."""
        answer = await self._ask(host, "AAAA" if v6 else "A")
        return [data.address for data in list(answer or ())[:MAX_TEXTS]]

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | None:
        try:
            return await self._resolver.resolve(name, kind)
        except (dns.resolver.NoAnswer, *_NO_NAME):
            return None
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise Offline(_why(error)) from error


def _why(error: Exception) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, dns.resolver.NoNameservers):
        return "the name server failed"
    return type(error).__name__
