"""The authorization code grant for programs (RFC 8252): a browser signs in and comes back to a port of this machine.

Google gives access to mail in no other way: its device codes are not for the scope of IMAP.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import web

from fetcher.oauth import Issued, TokenEndpoint, TokenFault
from fetcher.oauth.grants import read_issued
from pipeline.contracts.connection_test import Category
from pipeline.contracts.oauth import OAuthProvider, OAuthSettings

WAIT_S = 900.0
_DONE = "Signed in. You can close this page."
_FAILED = "The provider did not agree. Look at the terminal."
# Without these two Google gives a refresh token only at the very first sign-in.
_EXTRA = {OAuthProvider.GOOGLE: {"access_type": "offline", "prompt": "consent"}}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in: `state` ties the browser's return to it, `verifier` the code to this program (RFC 7636)."""

    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def link(self, oauth: OAuthSettings) -> str:
        """Where the browser starts."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": oauth.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": oauth.scopes,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **_EXTRA.get(oauth.provider, {}),
        }
        return f"{oauth.authorization_url}?{urlencode(query)}"


async def by_browser(
    oauth: OAuthSettings, *, client_secret: str, endpoint: TokenEndpoint, tell: Callable[[str], None], port: int = 0
) -> Issued:
    """The tokens, once a browser on this machine has opened the link that `tell` is given and signed in.

    `port`: where the browser comes back to, 0 for any. Raises TokenFault; OSError when the port is taken.
    """
    async with _coming_back(oauth, port) as (attempt, came_back):
        tell(attempt.link(oauth))
        try:
            code = await asyncio.wait_for(came_back, WAIT_S)
        except TimeoutError as error:
            raise TokenFault(Category.AUTH_EXPIRED, "nobody signed in: start again") from error
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "client_id": oauth.client_id,
        "code_verifier": attempt.verifier,
    }
    return read_issued(
        *await endpoint.ask(oauth.token_url, form | ({"client_secret": client_secret} if client_secret else {}))
    )


@asynccontextmanager
async def _coming_back(oauth: OAuthSettings, port: int) -> AsyncIterator[tuple[Attempt, "asyncio.Future[str]"]]:
    """A small web server on loopback that the browser is sent back to, with the code or with a refusal."""
    came_back: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    attempts: list[Attempt] = []

    async def land(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.query.get("state", "").encode(), attempts[0].state.encode()):
            return web.Response(text="This is not the sign-in that was started.", status=400)
        code = request.query.get("code", "")
        if not came_back.done() and code:
            came_back.set_result(code)
        elif not came_back.done():
            came_back.set_exception(TokenFault(Category.AUTH_EXPIRED, _refusal(request.query.get("error", ""))))
        return web.Response(text=_DONE if code else _FAILED)

    application = web.Application()
    application.router.add_get("/", land)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host = "localhost" if oauth.provider is OAuthProvider.MICROSOFT else "127.0.0.1"  # as each registers it
        attempts.append(Attempt(f"http://{host}:{runner.addresses[0][1]}/"))
        yield attempts[0], came_back
    finally:
        await runner.cleanup()


def _refusal(error: str) -> str:
    word = error[:50] if error.isprintable() else ""
    return f"the sign-in was refused ({word or 'no reason given'}): start again and agree"
