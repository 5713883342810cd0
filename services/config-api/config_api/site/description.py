"""The API's description: as an OpenAPI document, and as a page to read."""

from functools import cache
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from config_api.access.scopes import Scope
from config_api.web.contract import BYTES, BYTES_TAKEN, PREFIX, spec
from config_api.web.needs import needs, within_domains

METHODS = ("get", "post", "put", "patch", "delete")
_SOME_BYTES = {"type": "string", "format": "binary", "minLength": 1}

routes = Blueprint("api_description", __name__, url_prefix=PREFIX)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. Needs an application context."""
    described: dict[str, Any] = spec.spec
    for path in described["paths"].values():
        for operation in path.values():
            if operation["operationId"] in BYTES_TAKEN:
                operation["requestBody"] = {"required": True, "content": {BYTES: {"schema": _SOME_BYTES}}}
    return described


@routes.get("/openapi.json")
@within_domains
@needs(Scope.READ, for_pages=False)
def openapi() -> Response:
    """The document."""
    return jsonify(document())


@routes.get("/docs")
@within_domains
@needs(Scope.READ)
def docs() -> str:
    """The page."""
    return render_template("api_docs.html", document=document(), methods=METHODS)
