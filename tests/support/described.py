"""The API's description, made without servers."""

from typing import Any

from flask import Flask

from config_api.site.description import document
from config_api.site.routes import RESOURCES


def described_app() -> Flask:
    """An application that has the routes of the API, and nothing behind them."""
    app = Flask("described")
    for resource in RESOURCES:
        app.register_blueprint(resource.routes)
    return app


def described_api(app: Flask | None = None) -> dict[str, Any]:
    """The OpenAPI document, as /api/v1/openapi.json gives it."""
    with (app or described_app()).app_context():
        return dict(document())
