"""The web pages: one blueprint a file, gathered here. All but sign-in and the colour toggle need a session."""

from flask import Blueprint

from config_api.auth import guard
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

blueprint = Blueprint("pages", __name__)

for _page in (overview, reports, mails, mailboxes, testing, activity, logs, access, dead_letters):
    _page.blueprint.before_request(guard.require_session)
    blueprint.register_blueprint(_page.blueprint)
for _open_page in (sign_in, theme):
    blueprint.register_blueprint(_open_page.blueprint)
blueprint.record_once(prepare)
