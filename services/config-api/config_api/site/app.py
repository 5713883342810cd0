"""The Flask application: the API, the pages, and what holds for both."""

from flask import Flask

from config_api.access import csrf, guard, sign_in
from config_api.backend import EXTENSION, Backend
from config_api.site.routes import register
from config_api.site.security import protect
from config_api.web.api import rate_limit
from config_api.web.contract import GUARD
from config_api.web.errors import handle_errors

STRANGERS_BODY = 16 * 1024  # bytes: a sign-in form; whoever is signed in may send more, imports most


def create_app(backend: Backend) -> Flask:
    """The application over this backend, whose tasks somebody else starts and stops (see `config_api.site.links`)."""
    app = Flask("config_api")
    app.config["MAX_CONTENT_LENGTH"] = STRANGERS_BODY
    app.extensions[EXTENSION] = backend
    app.extensions[sign_in.EXTENSION] = sign_in.SignIn(backend)
    app.extensions[GUARD] = guard.require
    app.jinja_env.globals["csrf_token"] = csrf.token
    protect(app, backend)
    rate_limit.install(app, backend.settings.api_rate)
    handle_errors(app)
    register(app)
    return app
