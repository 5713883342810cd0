"""The web pages: one blueprint a file, registered here. All but sign-in and the colour toggle need a session."""

from flask import Flask

from config_api.auth import guard
from config_api.notifications import page as notifications
from config_api.pages import (
    access,
    activity,
    dead_letters,
    logs,
    mailboxes,
    mails,
    overview,
    reports,
    sign_in,
    testing,
    theme,
)
from config_api.pages.view import prepare

OPEN = (sign_in, theme)
PRIVATE = (overview, reports, mails, mailboxes, testing, activity, logs, access, dead_letters)

for _page in PRIVATE:
    _page.blueprint.before_request(guard.require_session)


def register_pages(app: Flask) -> None:
    """Adds all pages, and what their templates need."""
    prepare(app)
    for page in (*OPEN, *PRIVATE, notifications):
        app.register_blueprint(page.blueprint)
