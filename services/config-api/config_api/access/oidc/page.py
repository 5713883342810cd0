"""The way to the provider and back."""

from typing import cast

from flask import Blueprint, current_app, make_response, redirect, request
from werkzeug.wrappers import Response

from config_api.access import guard, sessions, sign_in
from config_api.access.oidc.admission import admitted
from config_api.access.oidc.claims import Refused, Rules
from config_api.access.oidc.flow import LIFE, Flow, Started
from config_api.access.pages.sign_in import sign_in_form
from config_api.access.sessions import Proof
from config_api.backend import Backend, backend
from config_api.errors import TooManyTries, Unavailable, not_found
from config_api.web.clients import client_of
from config_api.web.errors import status_of
from config_api.web.needs import open_to_all
from config_api.web.view import Template, on_loop
from pipeline.settings import SettingsError

EXTENSION = "oidc"
COOKIE = "dmarq_provider"
TIMEOUT = 45.0  # seconds; four questions to the provider at most

blueprint = Blueprint("provider", __name__, url_prefix="/sign-in/provider")


class Oidc:
    """What signing in with the provider of the settings needs. Raises SettingsError for rules that cannot be read."""

    def __init__(self, back: Backend) -> None:
        if back.settings.oidc_issuer and not back.settings.oidc_client_id:
            raise SettingsError("DMARQ_OIDC_CLIENT_ID is needed beside DMARQ_OIDC_ISSUER")
        self.rules = Rules.of(back.settings)
        self.flow = Flow(back.settings)
        self.wants = tuple(
            name.partition(".")[0]
            for name in (self.rules.role_claim if self.rules.roles else "", self.rules.domains_claim, "email")
            if name
        )


@blueprint.get("")
@open_to_all
@on_loop(timeout=TIMEOUT)
async def go() -> Response | tuple[Template, int]:
    """To the provider."""
    oidc = _oidc()
    try:
        address, started = await oidc.flow.begin(sign_in.safe_next(request.args.get("next")))
    except Unavailable as away:
        return sign_in_form(away.detail), 503
    response = make_response(redirect(address, 303))
    sessions.set_cookie(response, started.sealed(backend().keys), name=COOKIE, life=LIFE)
    return response


@blueprint.get("/callback")
@open_to_all
@on_loop(timeout=TIMEOUT)
async def come_back() -> Response | tuple[Template, int]:
    """Back from the provider: a session, or the sign-in page with what was wrong."""
    oidc, access = _oidc(), sign_in.current()
    try:
        # Without the cookie there is nothing to guess at: any page could have a browser come here, often.
        started = Started.opened(request.cookies.get(COOKIE, ""), backend().keys)
        async with access.limiter.attempt(client_of(request.remote_addr or "")) as attempt:
            found = await _judged(oidc, started)
            attempt.is_right = not isinstance(found, Refused)
        if isinstance(found, Refused):
            raise found
        value = await access.welcome(found, guard.client())
    except Refused as refused:
        return sign_in_form(refused.detail), 403
    except (TooManyTries, Unavailable) as busy:
        return sign_in_form(busy.detail or busy.title), status_of(busy)
    response = make_response(redirect(sign_in.safe_next(started.next), 303))
    sessions.set_cookie(response, value)
    sessions.clear_cookie(response, name=COOKIE)
    return response


async def _judged(oidc: Oidc, started: Started) -> Proof | Refused:
    """Who came back, or why not; to be refused counts as a wrong guess."""
    back = backend()
    try:
        claims = await oidc.flow.finish(request.args, started, wants=oidc.wants)
        return await admitted(
            back.whole_database, oidc.rules, claims, guard.client(), issuer=oidc.flow.provider.issuer,
            creates=back.settings.oidc_create_users,
        )  # fmt: skip
    except Refused as refused:
        return refused


def _oidc() -> Oidc:
    """Raises NotFound where no provider is set."""
    if not backend().settings.oidc_issuer:
        raise not_found("page")
    return cast(Oidc, current_app.extensions[EXTENSION])
