"""Signing in with a mail provider once, so that a mailbox gets its refresh token (OAuth 2).

`by_device_code` (RFC 8628) needs no browser on this machine: a short code is entered in any, and asked after until it
was. `by_browser` (RFC 8252) is for providers that give no mail access that way, as Google, whose device codes are not
for the scope of IMAP: a browser signs in and comes back to a port of this machine.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from fetcher.oauth import Form, Issued, TokenEndpoint, TokenFault, code_form, read_answer, read_issued
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


GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_S = 5.0  # RFC 8628 section 3.2
SLOWER_BY_S = 5.0  # section 3.5
MAX_WAIT_S = 1800.0
MAX_FAILURES = 6  # in a row, each waited for twice as long as the one before
MAX_INTERVAL_S = 60.0
FOREVER_S = 1e9  # what is longer is no answer


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person enters (`user_code`) and where (`uri`). `interval_s`: between our questions."""

    user_code: str
    uri: str
    lasts_s: float
    interval_s: float
    code: str = field(repr=False)

    @classmethod
    def of(cls, answer: Mapping[str, object]) -> Self:
        """From the answer of the device endpoint. Raises TokenFault when it lacks something."""
        uri = answer.get("verification_uri") or answer.get("verification_url")  # Google's name
        words = (answer.get("user_code"), uri, answer.get("device_code"))
        if not all(isinstance(word, str) and word.isprintable() for word in words):
            raise TokenFault(Category.CONNECTIVITY, "the provider's answer holds no device code: check the endpoint")
        user_code, place, code = map(str, words)
        lasts_s = min(_seconds(answer.get("expires_in"), MAX_WAIT_S), MAX_WAIT_S)
        interval_s = min(_seconds(answer.get("interval"), DEFAULT_INTERVAL_S), MAX_INTERVAL_S)
        return cls(user_code, place, lasts_s, interval_s, code)


async def by_device_code(
    oauth: OAuthSettings, *, client_secret: str, endpoint: TokenEndpoint, tell: Callable[[DeviceCode], None]
) -> Issued:
    """The tokens, once a person has entered the code that `tell` is given. Raises TokenFault."""
    form = {"client_id": oauth.client_id, "scope": oauth.scopes}
    code = DeviceCode.of(read_answer(*await endpoint.ask(oauth.device_url, _filled(form))))
    tell(code)
    asking = {"grant_type": GRANT, "device_code": code.code, "client_id": oauth.client_id}
    try:
        async with asyncio.timeout(code.lasts_s):
            return await _asked(oauth, _filled(asking | {"client_secret": client_secret}), code, endpoint)
    except TimeoutError as error:
        raise TokenFault(Category.AUTH_EXPIRED, "the code was not entered in time: start again") from error


async def _asked(oauth: OAuthSettings, form: Form, code: DeviceCode, endpoint: TokenEndpoint) -> Issued:
    interval_s, failures = code.interval_s, 0
    while True:
        await asyncio.sleep(interval_s)
        try:
            return read_issued(*await endpoint.ask(oauth.token_url, form))
        except TokenFault as fault:
            if fault.code in ("authorization_pending", "slow_down"):
                interval_s += SLOWER_BY_S if fault.code == "slow_down" else 0
                failures = 0
                continue
            failures += 1
            if failures > MAX_FAILURES or not _may_pass(fault):
                raise
            interval_s = min(2 * interval_s, MAX_INTERVAL_S)


def _may_pass(fault: TokenFault) -> bool:
    """Whether the provider was not reached or has trouble of its own, which says nothing about the sign-in."""
    of_its_own = fault.code in ("", "server_error", "temporarily_unavailable")
    return of_its_own and fault.category in (Category.TIMEOUT, Category.CONNECTIVITY, Category.THROTTLED)


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < FOREVER_S else default


def _filled(form: Form) -> Form:
    return {name: value for name, value in form.items() if value}
