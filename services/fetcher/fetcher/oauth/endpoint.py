"""A form sent to a provider's endpoint, and its bounded answer."""

import ssl

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError, ProxyType

from fetcher.oauth.grants import Form, TokenFault
from pipeline.contracts.connection_test import Category
from pipeline.contracts.limits import KiB
from pipeline.contracts.mailbox import ProxySettings

MAX_ANSWER_BYTES = 256 * KiB
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=10)


class TokenEndpoint:
    """Sends forms, through the mailbox's proxy where it has one; each over a connection of its own."""

    def __init__(self, proxy: ProxySettings | None = None, *, proxy_password: str = "") -> None:
        self._proxy = proxy
        self._proxy_password = proxy_password

    async def ask(self, url: str, form: Form) -> tuple[int, bytes]:
        """The answer's HTTP status and body. No redirect is followed: it would carry secrets elsewhere.

        Raises TokenFault when there is no answer, or one that is too large.
        """
        try:
            async with aiohttp.ClientSession(
                connector=self._connector(), timeout=TIMEOUT, auto_decompress=False
            ) as client:
                return await _ask(client, url, form)
        except TimeoutError as error:
            raise TokenFault(Category.TIMEOUT, f"{_place(url)} does not answer") from error
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLError) as error:
            raise TokenFault(Category.TLS, f"the certificate of {_place(url)} is not trusted") from error
        except (aiohttp.ClientError, ProxyConnectionError, ProxyError, ProxyTimeoutError, OSError) as error:
            raise TokenFault(
                Category.CONNECTIVITY, f"no connection to {_place(url)}: {type(error).__name__}"
            ) from error

    def _connector(self) -> aiohttp.BaseConnector:
        if self._proxy is None:
            return aiohttp.TCPConnector()
        return ProxyConnector(
            self._proxy.host,
            self._proxy.port,
            proxy_type=ProxyType[self._proxy.kind.name],
            username=self._proxy.username or None,
            password=self._proxy_password or None,
            rdns=True,
        )


async def _ask(client: aiohttp.ClientSession, url: str, form: Form) -> tuple[int, bytes]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}  # a small answer may unpack to a huge one
    async with client.post(url, data=form, headers=headers, allow_redirects=False) as answer:
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise TokenFault(Category.CONNECTIVITY, f"{_place(url)} answers with too much: check the endpoint")
        return answer.status, bytes(body)


def _place(url: str) -> str:
    """The endpoint without what may follow a "?"."""
    return url.partition("?")[0][:200]
