"""A webhook: the signed body by POST. Redirects are not followed; an address is checked as it is connected to."""

import socket
import time
from contextlib import suppress

import aiohttp
from aiohttp.typedefs import LooseHeaders

from notifier.delivery import Outcome
from notifier.message import Message
from pipeline.contracts.trace import traceparent
from pipeline.notifications.webhook import signature_headers
from pipeline.public_addresses import NOTIFIER_MAY, PrivateAddress, is_public

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
ANSWER_BYTES = 2000  # of the answer that are read
GONE = 410


class WebhookSender:
    """Posts to URLs; one session for each sending, so that no connection outlives a change of the name's address."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def send(self, url: str, signing_key: str, message: Message) -> Outcome:
        """How it ended: sent with an answer of 2xx."""
        body = message.body.model_dump_json(exclude_none=True).encode()
        headers: LooseHeaders = {
            "Content-Type": "application/json",
            "User-Agent": "DMARQ-notifier/1",
            "traceparent": traceparent(message.key, message.mail_id),
            "Accept-Encoding": "identity",  # a small answer may unpack to a huge one
            **signature_headers(signing_key, body, key=message.key, at=int(time.time())),
        }
        connector = aiohttp.TCPConnector(socket_factory=self._socket, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=TIMEOUT, trust_env=False, auto_decompress=False
                ) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return _judged(answer, await _text(answer))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Outcome(False, _words(error), permanent=_is_private(error))

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for this resolved address; it is the one that is connected, so nothing is resolved again."""
        family, kind, protocol, _, place = address
        if not self._allow_private and not is_public(str(place[0])):
            raise PrivateAddress(NOTIFIER_MAY)
        return socket.socket(family, kind, protocol)


def _judged(answer: aiohttp.ClientResponse, text: str) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(True, f"{answer.status} {answer.reason or ''}".strip())
    if 300 <= answer.status < 400:
        return Outcome(False, f"{answer.status}: redirects are not followed; use the address it leads to")
    after = None
    with suppress(ValueError):
        after = float(answer.headers.get("Retry-After", ""))
    detail = f"{answer.status} {answer.reason or ''}: {text}".strip(": ")
    return Outcome(False, detail, permanent=answer.status == GONE, retry_after=after)


async def _text(answer: aiohttp.ClientResponse) -> str:
    data = await answer.content.read(ANSWER_BYTES)
    return " ".join("".join(c if c.isprintable() else " " for c in data.decode(errors="replace")).split())[:200]


def _is_private(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, PrivateAddress):
            return True
        error = error.__cause__ or getattr(error, "os_error", None)
    return False


def _words(error: BaseException) -> str:
    """What happened, without the URL, which some errors repeat."""
    if _is_private(error):
        return str(PrivateAddress(NOTIFIER_MAY))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name of the host cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the server's certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
    return f"no answer: {type(error).__name__}"
