"""The API's description, made without servers."""

from typing import Any

from flask import Flask

from config_api.site.description import document
from config_api.site.routes import RESOURCES


def described_api() -> dict[str, Any]:
    """The OpenAPI document, as /api/v1/openapi.json gives it."""
    app = Flask("described")
    for resource in RESOURCES:
        app.register_blueprint(resource.routes)
    with app.app_context():
        return dict(document())
