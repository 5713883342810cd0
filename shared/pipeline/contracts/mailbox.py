"""A mailbox: one configured account, its folder, filters, attachment rules and actions."""

from pydantic import BaseModel, ConfigDict

from pipeline.contracts.mail import MAILBOX_ID_PATTERN, MailboxId
from pipeline.contracts.mailbox_settings import MailboxSecrets, MailboxSettings, Security
from pipeline.contracts.proxy import ProxyKind, ProxySettings
from pipeline.contracts.rules import Action, AttachmentFormat, AttachmentRules, Filters, MailAction

__all__ = (
    "MAILBOX_ID_PATTERN", "Action", "AttachmentFormat", "AttachmentRules", "Filters", "Handling", "MailAction",
    "Mailbox", "MailboxId", "MailboxSecrets", "MailboxSettings", "ProxyKind", "ProxySettings", "Security",
)  # fmt: skip


class Handling(BaseModel):
    """The settings that hold for one mail, stamped on it when it was fetched."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    settings_version: int
    attachments: AttachmentRules = AttachmentRules()
    on_processed: MailAction = MailAction()
    on_failed: MailAction = MailAction()
    on_not_a_report: MailAction = MailAction()


class Mailbox(BaseModel):
    """A mailbox as the services know it: id, settings, their version (grows with each change), the secrets."""

    model_config = ConfigDict(frozen=True)

    id: MailboxId
    version: int
    settings: MailboxSettings
    secrets: MailboxSecrets = MailboxSecrets()

    def handling(self) -> Handling:
        """What travels with each mail, so that the later steps need no look-up."""
        s = self.settings
        return Handling(
            settings_version=self.version,
            attachments=s.attachments,
            on_processed=s.on_processed,
            on_failed=s.on_failed,
            on_not_a_report=s.on_not_a_report,
        )
