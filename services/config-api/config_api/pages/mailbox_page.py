"""The page that shows the settings form of a mailbox: for a new one, a stored one, with faults or with a test result."""

from collections.abc import Sequence

from flask import render_template

from config_api.mailboxes.model import MailboxView
from config_api.pages import mailbox_form
from config_api.pages.mailbox_form import MailboxForm
from pipeline.connection import ConnectionTest

SECURITY = [
    ("tls", "SSL/TLS (usual port 993)"),
    ("starttls", "STARTTLS (usual port 143)"),
    ("none", "None (not encrypted)"),
]
METHODS = [("password", "Password or app password"), ("xoauth2", "OAuth 2 (Google, Microsoft 365)")]
PROVIDERS = [("google", "Google"), ("microsoft", "Microsoft 365"), ("custom", "Another provider")]
GRANTS = [
    ("refresh_token", "Refresh token (a person who signed in once)"),
    ("client_credentials", "Client credentials (an application)"),
]
PROXIES = [("socks5", "SOCKS 5"), ("socks4", "SOCKS 4a"), ("http", "HTTP (CONNECT)")]
ACTIONS = [
    ("none", "Leave the mail as it is"),
    ("mark_read", "Mark as read"),
    ("move", "Move to a folder"),
    ("delete", "Delete"),
]


def form_page(
    form: MailboxForm,
    *,
    stored: MailboxView | None = None,
    tested: ConnectionTest | None = None,
    conflict: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The page. `conflict` has a row for each field that somebody else changed: name, stored now, typed here."""
    return render_template(
        "mailboxes/form.html",
        form=form,
        v=form.values,
        stored=stored,
        tested=tested,
        conflict=conflict,
        formats=mailbox_form.FORMATS,
        order=mailbox_form.in_order(form.values["attachments"]["priority"]),
        megabytes=mailbox_form.megabytes(form.values["attachments"]["max_bytes"]),
        securities=SECURITY,
        methods=METHODS,
        providers=PROVIDERS,
        grants=GRANTS,
        proxies=PROXIES,
        actions=ACTIONS,
    )
