"""The API's description: as an OpenAPI document, and as a page to read."""

import json
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template

from config_api.access.scopes import Scope
from config_api.web.api import rate_limit
from config_api.web.api.openapi import METHODS, completed
from config_api.web.contract import BYTES_TAKEN, PREFIX, spec
from config_api.web.needs import needs, within_domains

TAGS = {
    "access": "Users, sessions, tokens for programs, passwords, links to sign in with, and who changed what.",
    "activity": "What happened and what happens now: fetch runs, settings changes, the IMAP connection log.",
    "dead letters": "Events that no retry of the pipeline could help: look, retry, discard.",
    "domains": "What is sent in the name of a domain, its DNS, and whether its policy may be stricter.",
    "mailboxes": "The mailboxes that are fetched from: settings, connection tests, fetching, pausing.",
    "mails": "The ledger of emails: how each one ended, and its whole way.",
    "notifications": "Channels, rules, alerts, what was sent, and mutes.",
    "overview": "Messages and how many passed, by time, domain, source and reporter.",
    "reports": "Reports, their rows, and the files they came in.",
    "sources": "Who sends as a domain, by address, service and network, and what changed.",
    "system": "The state of the whole, files that are handed over, documents that are read again.",
}

routes = Blueprint("api_description", __name__, url_prefix=PREFIX)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. Needs an application context."""
    return completed(deepcopy(spec.spec), tags=TAGS, examples=examples(), takes_bytes=BYTES_TAKEN)


def examples() -> dict[str, dict[str, Any]]:
    """A request and an answer of each operation, by its id."""
    found: dict[str, dict[str, Any]] = {}
    for file in files("config_api.site").joinpath("examples").iterdir():
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


@routes.get("/openapi.json")
@within_domains
@needs(Scope.READ, for_pages=False)
def openapi() -> Response:
    """The document."""
    rate_limit.count(g.credential)
    return jsonify(document())


@routes.get("/docs")
@within_domains
@needs(Scope.READ)
def docs() -> str:
    """The page."""
    return render_template("api_docs.html", document=document(), methods=METHODS)
