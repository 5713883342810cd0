"""The Flask application: the API, the pages, and what holds for both."""

from flask import Flask

from config_api.access import csrf, guard, sign_in
from config_api.access.oidc import page as provider_page
from config_api.backend import EXTENSION, Backend
from config_api.site.routes import register
from config_api.site.security import protect
from config_api.web.api import rate_limit
from config_api.web.errors import handle_errors
from config_api.web.needs import open_to_all

STRANGERS_BODY = 16 * 1024  # bytes: a sign-in form; whoever is signed in may send more, imports most


def create_app(backend: Backend) -> Flask:
    """The application over this backend, whose tasks somebody else starts and stops (see `config_api.site.links`).

    Raises SettingsError for what was set of the sign-in provider and cannot be read.
    """
    app = Flask("config_api")
    app.config["MAX_CONTENT_LENGTH"] = STRANGERS_BODY
    app.extensions[EXTENSION] = backend
    app.extensions[sign_in.EXTENSION] = sign_in.SignIn(backend)
    app.extensions[provider_page.EXTENSION] = provider_page.Oidc(backend)
    app.jinja_env.globals["csrf_token"] = csrf.token
    protect(app, backend)
    guard.protect(app)
    open_to_all(app.view_functions["static"])
    rate_limit.install(app, backend.settings.api_rate)
    handle_errors(app)
    register(app)
    return app
