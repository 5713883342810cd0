"""The colours that a browser has chosen: as the system says, light, or dark."""

from flask import Blueprint, Flask, make_response, redirect, request
from werkzeug.wrappers import Response

from config_api.access import csrf, sign_in
from config_api.web.needs import open_to_all

THEMES = ("system", "light", "dark")
COOKIE = "theme"
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


def prepare(app: Flask) -> None:
    """Gives every template the theme of its request."""
    app.context_processor(lambda: {"theme": chosen_theme()})
