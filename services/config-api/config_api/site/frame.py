"""What frames every page: how much needs attention, beside its place in the navigation; and the colours that a browser
has chosen: as the system says, light, or dark."""

from flask import Blueprint, Flask, g, make_response, redirect, request
from werkzeug.wrappers import Response

from config_api.access import csrf, sign_in
from config_api.access.scopes import Identity
from config_api.backend import backend
from config_api.dead_letters.attention import Badges, badges
from config_api.web.needs import open_to_all
from pipeline.errors import TryLater

THEMES = ("system", "light", "dark")
COOKIE = "theme"
BADGES_TIMEOUT = 1.0  # seconds; the page is worth more than its badges
_YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("theme", __name__)


def chosen_theme() -> str:
    """The theme of this request."""
    theme = request.cookies.get(COOKIE, "")
    return theme if theme in THEMES else THEMES[0]


@blueprint.post("/theme")
@open_to_all
def change() -> Response:
    """Goes on to the next theme and back to the page."""
    csrf.check()
    following = THEMES[(THEMES.index(chosen_theme()) + 1) % len(THEMES)]
    response = make_response(redirect(sign_in.safe_next(request.form.get("next")), 303))
    response.set_cookie(COOKIE, following, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure)
    return response


def shown() -> Badges:
    """The badges of this page; none for strangers, for viewers of some domains, and while they cannot be asked for."""
    identity: Identity | None = g.get("identity")
    if identity is None or not identity.is_browser or identity.domains is not None:
        return Badges()
    try:
        return backend().run(badges(backend()), timeout=BADGES_TIMEOUT)
    except TryLater:
        return Badges()


def prepare(app: Flask) -> None:
    """Gives every template the theme of its request, and the function that asks for the badges."""
    app.jinja_env.globals["badges"] = shown
    app.context_processor(lambda: {"theme": chosen_theme()})
