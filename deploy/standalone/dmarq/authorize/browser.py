"""The authorization code grant for programs (RFC 8252): a browser signs in and comes back to a port of this machine.

Google gives access to mail in no other way: its device codes are not for the scope of IMAP.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from fetcher.oauth import Issued, TokenEndpoint, TokenFault
from fetcher.oauth.grants import code_form, read_issued
from pipeline.contracts.authorization import SignIn
from pipeline.contracts.connection_test import Category
from pipeline.contracts.oauth import OAuthProvider, OAuthSettings

WAIT_S = 900.0
_DONE = "Signed in. You can close this page."
_FAILED = "The provider did not agree. Look at the terminal."


async def by_browser(
    oauth: OAuthSettings, *, client_secret: str, endpoint: TokenEndpoint, tell: Callable[[str], None], port: int = 0
) -> Issued:
    """The tokens, once a browser on this machine has opened the link that `tell` is given and signed in.

    `port`: where the browser comes back to, 0 for any. Raises TokenFault; OSError when the port is taken.
    """
    async with _coming_back(oauth, port) as (sign_in, came_back):
        tell(sign_in.link(oauth))
        try:
            code = await asyncio.wait_for(came_back, WAIT_S)
        except TimeoutError as error:
            raise TokenFault(Category.AUTH_EXPIRED, "nobody signed in: start again") from error
    form = code_form(
        oauth, code=code, verifier=sign_in.verifier, redirect_uri=sign_in.redirect_uri, client_secret=client_secret
    )
    return read_issued(*await endpoint.ask(oauth.token_url, form))


@asynccontextmanager
async def _coming_back(oauth: OAuthSettings, port: int) -> AsyncIterator[tuple[SignIn, "asyncio.Future[str]"]]:
    """A small web server on loopback that the browser is sent back to, with the code or with a refusal."""
    came_back: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    sign_ins: list[SignIn] = []

    async def land(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.query.get("state", "").encode(), sign_ins[0].state.encode()):
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
        sign_ins.append(SignIn(f"http://{host}:{runner.addresses[0][1]}/"))
        yield sign_ins[0], came_back
    finally:
        await runner.cleanup()


def _refusal(error: str) -> str:
    word = error[:50] if error.isprintable() else ""
    return f"the sign-in was refused ({word or 'no reason given'}): start again and agree"
