"""What every template can use: filters, the vocabulary, the chosen colours; and the query string in hand."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, make_response, redirect, request
from werkzeug.wrappers import Response

from config_api.access import csrf, sign_in
from config_api.web import words
from config_api.web.formatting import FILTERS
from config_api.web.notes import PARAMETER, note

MAX_LENGTH = 500


def prepare(app: Flask) -> None:
    """Gives the app's templates their filters and names, once."""
    environment = app.jinja_env
    environment.filters.update(FILTERS, without=without, with_value=with_value, reason=words.reason, plain=words.plain)
    environment.globals.update(words=words, said=words.said, note=note)
    environment.trim_blocks = environment.lstrip_blocks = True
    app.context_processor(lambda: {"theme": chosen_theme()})


def query() -> dict[str, str]:
    """The filled-in parameters of the request, trimmed and bounded."""
    args = {name: value.replace("\0", "").strip()[:MAX_LENGTH] for name, value in request.args.items()}
    return {name: value for name, value in args.items() if value and name != PARAMETER}


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping without these names."""
    return {name: value for name, value in values.items() if name not in names}


def with_value(values: Mapping[str, Any], name: str, value: object) -> dict[str, Any]:
    """The mapping with one name set."""
    return {**values, name: value}


THEMES = ("system", "light", "dark")
COOKIE = "theme"
_YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("theme", __name__)


def chosen_theme() -> str:
    """The theme of this request."""
    theme = request.cookies.get(COOKIE, "")
    return theme if theme in THEMES else THEMES[0]


@blueprint.post("/theme")
def change() -> Response:
    """Goes on to the next theme and back to the page."""
    csrf.check()
    following = THEMES[(THEMES.index(chosen_theme()) + 1) % len(THEMES)]
    response = make_response(redirect(sign_in.safe_next(request.form.get("next")), 303))
    response.set_cookie(COOKIE, following, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure)
    return response
