"""Whether the process lives, whether it has what it needs, and its figures."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from config_api.access import guard
from config_api.access.scopes import Scope
from config_api.backend import backend

routes = Blueprint("health", __name__)


@routes.get("/healthz")
def healthz() -> Response:
    """Alive. Open to all."""
    return jsonify(status="ok")


@routes.get("/readyz")
def readyz() -> Response:
    """Whether the database and the bus answer. Open to all, so it does not say why not."""
    missing = sorted(backend().readiness.missing)
    answer = jsonify(status="waiting" if missing else "ready", missing=missing)
    answer.status_code = 503 if missing else 200
    return answer


@routes.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus; needs a token with the scope read."""
    guard.require(Scope.READ)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
