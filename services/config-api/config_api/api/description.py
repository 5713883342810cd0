"""The API's description: as an OpenAPI document, and as a page to read."""

from functools import cache
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from config_api.api.contract import PREFIX, spec
from config_api.auth import guard
from config_api.auth.scopes import Scope

METHODS = ("get", "post", "put", "patch", "delete")

routes = Blueprint("api_description", __name__, url_prefix=PREFIX)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. Needs an application context."""
    described: dict[str, Any] = spec.spec
    return described


@routes.get("/openapi.json")
def openapi() -> Response:
    """The document."""
    guard.require(Scope.READ)
    return jsonify(document())


@routes.get("/docs")
@guard.page
def docs() -> str:
    """The page."""
    return render_template("api_docs.html", document=document(), methods=METHODS)
