"""What the navigation shows beside its places: how much needs attention."""

from flask import Flask, g

from config_api.access.scopes import Identity
from config_api.backend import backend
from config_api.dead_letters.attention import Badges, badges
from pipeline.errors import TryLater

TIMEOUT = 1.0  # seconds; the page is worth more than its badges


def prepare(app: Flask) -> None:
    """Gives every template the function that asks for them."""
    app.jinja_env.globals["badges"] = shown


def shown() -> Badges:
    """The badges of this page; none for strangers, for viewers of some domains, and while they cannot be asked for."""
    identity: Identity | None = g.get("identity")
    if identity is None or not identity.is_browser or identity.domains is not None:
        return Badges()
    try:
        return backend().run(badges(backend()), timeout=TIMEOUT)
    except TryLater:
        return Badges()
