"""Fetches the MTA-STS policies of domains (RFC 8461 section 3.3): a stranger's web server, met with care.

Names are resolved by the name server that DNS is asked from, and the address that was checked is the one that is
connected to. The certificate must be good; redirects are not followed; the answer is small, and soon there.
"""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from pipeline.dns.resolver import Dns, Offline
from pipeline.dns.sts import MAX_POLICY_BYTES, NoPolicy, NotReached, policy_url
from pipeline.public_addresses import FETCHER_MAY, PrivateAddress, is_public

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
PORT = 443
OK = 200
HEADERS = {"User-Agent": "DMARQ-fetcher/1", "Accept-Encoding": "identity"}  # few bytes would become very many


@dataclass(frozen=True, slots=True)
class WebOptions:
    """`trusted` has the authorities that certificates may be of; None: those of the machine."""

    allow_private: bool = False
    port: int = PORT
    trusted: ssl.SSLContext | None = None


class WebPolicies:
    """Policies by https."""

    def __init__(self, dns: Dns, options: WebOptions) -> None:
        self._resolver = _ByDns(dns, allow_private=options.allow_private)
        self._options = options

    async def fetch(self, domain: str) -> str:
        """The text of the policy. Raises NoPolicy, NotReached."""
        trusted = self._options.trusted or ssl.create_default_context()
        connector = aiohttp.TCPConnector(resolver=self._resolver, ssl=trusted, force_close=True)
        url = yarl.URL(policy_url(domain)).with_port(self._options.port)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=TIMEOUT, trust_env=False, auto_decompress=False, headers=HEADERS
                ) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                return await _text(answer)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise NoPolicy("the certificate of its web server is not trusted") from error
        except aiohttp.InvalidURL as error:
            raise NoPolicy("its name is no host name") from error
        except TimeoutError as error:
            raise NotReached("the web server does not answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _fault(error) from error


class _ByDns(AbstractResolver):
    """Resolves by our name server, to addresses that may be connected to."""

    def __init__(self, dns: Dns, *, allow_private: bool) -> None:
        self._dns = dns
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [
            *(await self._addresses(host, v6=False) if family != socket.AF_INET6 else ()),
            *(await self._addresses(host, v6=True) if family != socket.AF_INET else ()),
        ]
        if not found:
            raise NoPolicy(f"{host[:253]} has no address")
        allowed = [address for address in found if self._allow_private or is_public(address)]
        if not allowed:
            raise NotReached(str(PrivateAddress(FETCHER_MAY)))
        return [_resolved(host, address, port) for address in allowed]

    async def _addresses(self, host: str, *, v6: bool) -> Sequence[str]:
        try:
            return await self._dns.addresses(host, v6=v6)
        except Offline as error:
            raise NotReached(f"DNS does not answer for {host[:253]} ({error})") from error

    async def close(self) -> None:
        """Nothing is open."""


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST
    )


async def _text(answer: aiohttp.ClientResponse) -> str:
    """The body of the one answer that counts. Raises NoPolicy."""
    if 300 <= answer.status < 400:
        raise NoPolicy(f"the web server redirects ({answer.status}), which senders do not follow")
    if answer.status != OK:
        raise NoPolicy(f"the web server answers {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoPolicy("the web server compresses the file unasked")
    if answer.content_type != "text/plain":
        raise NoPolicy(f"the web server sends {answer.content_type[:60]}, and text/plain is needed")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(MAX_POLICY_BYTES):
        body += chunk
        if len(body) > MAX_POLICY_BYTES:
            raise NoPolicy(f"the file has more than {MAX_POLICY_BYTES // 1024} KiB")
    return body.decode("utf-8", "replace")


def _fault(error: BaseException) -> NotReached:
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotReached(f"no connection: {error.os_error.strerror or type(error.os_error).__name__}")
    return NotReached(f"no answer: {type(error).__name__}")
