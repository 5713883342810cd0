"""A provider's OAuth 2 endpoints on loopback: tokens by refresh token, client credentials, device code, and browser.

    async with TokenServer(issue=lambda: dovecot.token(user)) as server:
        oauth = server.oauth(client_id="abc")

`issue` makes an access token. `asked` has every form that came, in order.
"""

import base64
import hashlib
import itertools
from collections.abc import Callable
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
from aiohttp import web

from pipeline.contracts.oauth import OAuthSettings

CLIENT_SECRET = "the client's secret"


class TokenServer:
    """`rotates`: every use of a refresh token makes another one and ends the old one. `lifetime_s`: of access tokens.

    `refusal`, where set, is (HTTP status, error word) of every answer to come. `pending` is how often a device code is
    answered with "not yet". `demands_secret`: every grant needs the client's secret, as with Google. `cut_off` is how
    many questions to come find their connection closed. `declines`: whoever is asked to sign in does not agree.
    `visits` has the query of every browser that came to sign in; a code is good once, for the redirect that it was
    given to.
    """

    def __init__(
        self, *, issue: Callable[[], str], rotates: bool = False, lifetime_s: int = 3600, demands_secret: bool = False
    ) -> None:
        self.asked: list[dict[str, str]] = []
        self.refresh_tokens = {"the first refresh token"}
        self.refusal: tuple[int, str] | None = None
        self.raw_answer: bytes | None = None
        self.pending: list[str] = []
        self.lifetime_s = lifetime_s
        self.cut_off = 0
        self.url = ""
        self._demands_secret = demands_secret
        self._issue = issue
        self._rotates = rotates
        self._numbers = itertools.count(2)
        self.declines = False
        self.visits: list[dict[str, str]] = []
        self._visits_by_code: dict[str, dict[str, str]] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/token", self._token)
        application.router.add_post("/device", self._device)
        application.router.add_get("/authorize", self._authorize)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def oauth(self, **settings: object) -> OAuthSettings:
        """The settings of a mailbox that uses this provider."""
        endpoints = {
            "token_endpoint": f"{self.url}/token",
            "device_endpoint": f"{self.url}/device",
            "authorization_endpoint": f"{self.url}/authorize",
        }
        return OAuthSettings.model_validate({"client_id": "the client", **endpoints, **settings})

    async def agreed(self, link: str) -> str:
        """The code that a browser brings back which follows this link and agrees."""
        async with aiohttp.ClientSession() as browser, browser.get(link, allow_redirects=False) as answer:
            return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.cut_off and request.transport is not None:
            self.cut_off -= 1
            request.transport.close()
        if self.raw_answer is not None:
            return web.Response(body=self.raw_answer)
        if self.refusal is not None:
            return _refused(*self.refusal)
        if self._demands_secret and form.get("client_secret") != CLIENT_SECRET:
            return _refused(400, "invalid_request", "client_secret is missing.")
        answers = {
            "refresh_token": self._refresh_token,
            "client_credentials": self._client_credentials,
            "urn:ietf:params:oauth:grant-type:device_code": self._device_code,
            "authorization_code": self._authorization_code,
        }
        return answers[form["grant_type"]](form)

    def _refresh_token(self, form: dict[str, str]) -> web.Response:
        if form.get("refresh_token") not in self.refresh_tokens:
            return _refused(400, "invalid_grant")
        if not self._rotates:
            return self._granted()
        self.refresh_tokens.discard(form["refresh_token"])
        return self._granted(refresh_token=self._next_refresh_token())

    def _client_credentials(self, form: dict[str, str]) -> web.Response:
        if form.get("client_secret") != CLIENT_SECRET:
            return _refused(401, "invalid_client")
        return self._granted()

    def _device_code(self, form: dict[str, str]) -> web.Response:
        if self.pending:
            return _refused(400, self.pending.pop(0))
        assert form["device_code"] == "the device code"
        return self._granted(refresh_token=self._next_refresh_token())

    def _authorization_code(self, form: dict[str, str]) -> web.Response:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        visit = self._visits_by_code.pop(form["code"], {})
        if (visit.get("code_challenge"), visit.get("redirect_uri")) != (challenge, form["redirect_uri"]):
            return _refused(400, "invalid_grant")
        return self._granted(refresh_token=self._next_refresh_token())

    async def _device(self, request: web.Request) -> web.Response:
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response(
            {
                "device_code": "the device code",
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.url}/enter-code",
                "expires_in": 900,
                "interval": 0.01,
            }
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        """A person who decides at once."""
        visit = dict(request.query)
        self.visits.append(visit)
        code = f"code {len(self.visits)}"
        self._visits_by_code[code] = visit
        decision = {"error": "access_denied"} if self.declines else {"code": code}
        answer = urlencode({**decision, "state": visit["state"]})
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{answer}")

    def _granted(self, **more: str) -> web.Response:
        facts = {"access_token": self._issue(), "token_type": "Bearer", "expires_in": self.lifetime_s}
        return web.json_response({**facts, **more})

    def _next_refresh_token(self) -> str:
        token = f"refresh token {next(self._numbers)}"
        self.refresh_tokens.add(token)
        return token


def _refused(status: int, error: str, said: str = "") -> web.Response:
    return web.json_response({"error": error, "error_description": said or f"it is {error}"}, status=status)
