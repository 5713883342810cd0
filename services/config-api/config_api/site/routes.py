"""All routes: the resources of the HTTP API, and the pages. Each says at its view who may call it (`web/needs.py`)."""

from flask import Flask

from config_api.access.api import access, audit, sessions, users
from config_api.access.oidc import page as provider_page
from config_api.access.pages import account as account_page
from config_api.access.pages import audit as audit_page
from config_api.access.pages import sessions as sessions_page
from config_api.access.pages import sign_in as sign_in_page
from config_api.access.pages import tokens as tokens_page
from config_api.access.pages import users as users_page
from config_api.activity import page as activity_page
from config_api.activity import resource as activity
from config_api.dead_letters import page as dead_letters_page
from config_api.dead_letters import resource as dead_letters
from config_api.domains import page as domains_page
from config_api.domains import resource as domains
from config_api.mailboxes import form_page
from config_api.mailboxes import page as mailboxes_page
from config_api.mailboxes import resource as mailboxes
from config_api.mails import page as mails_page
from config_api.mails import resource as mails
from config_api.notifications import page as notifications_page
from config_api.notifications import resource as notifications
from config_api.overview import page as overview_page
from config_api.overview import resource as summary
from config_api.provider_sign_in import page as provider_sign_in_page
from config_api.reports import page as reports_page
from config_api.reports import resource as reports
from config_api.site import description, frame
from config_api.sources import page as sources_page
from config_api.sources import resource as sources
from config_api.sources import service_page
from config_api.system import resource as system
from config_api.system import rotation, upload_page
from config_api.web.view import prepare

RESOURCES = (
    mailboxes, activity, mails, reports, sources, domains, summary, dead_letters, system, access,
    users, sessions, audit, notifications, rotation, description
)  # fmt: skip
PAGES = (
    sign_in_page, provider_page, frame, overview_page, sources_page, service_page, domains_page, reports_page,
    mails_page, mailboxes_page, form_page, provider_sign_in_page, activity_page, tokens_page, account_page, users_page,
    sessions_page, audit_page, notifications_page, dead_letters_page, upload_page
)  # fmt: skip


def register(app: Flask) -> None:
    """Adds all resources and all pages, and what the templates of the pages need."""
    for resource in RESOURCES:
        app.register_blueprint(resource.routes)
    app.register_blueprint(system.probes)
    prepare(app)
    frame.prepare(app)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
