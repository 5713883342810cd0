"""The demo mailbox as a configured one."""

import json

from dmarq.embedded import EmbeddedMailbox
from fetcher.imap import Account
from pipeline.mailbox import Action, MailAction, MailboxSettings, Security

MAILBOX_ID = "demo"
PROCESSED = "Processed"


def demo_settings(mailbox: EmbeddedMailbox) -> MailboxSettings:
    """Poll at once and often, and move what was imported to a folder."""
    return MailboxSettings(
        name="Demo mailbox",
        host=mailbox.host,
        port=mailbox.account.port,
        security=Security.NONE,
        username=mailbox.account.username,
        poll_interval_minutes=1,
        on_processed=MailAction(action=Action.MOVE, folder=PROCESSED),
    )


def demo_mailboxes(mailbox: EmbeddedMailbox) -> str:
    """The value of DMARQ_MAILBOXES that configures it."""
    settings = demo_settings(mailbox).model_dump(mode="json")
    return json.dumps([{"id": MAILBOX_ID, "password": mailbox.account.password, **settings}])


def demo_account(mailbox: EmbeddedMailbox) -> Account:
    """How to look into it."""
    return Account.of(demo_settings(mailbox), secret=mailbox.account.password)
