"""A mailbox as people and programs send it, and as they get it: secrets go in and never come out."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from config_api.web.absence import Maybe
from pipeline.contracts.connection_test import Weakness
from pipeline.contracts.mailbox import MailboxId, MailboxSecrets, MailboxSettings
from pipeline.contracts.status import Progress, State


class MailboxInput(MailboxSettings, MailboxSecrets):
    """Settings and secrets of a mailbox. Without an `id` one is made from the name; it stays for ever."""

    id: Maybe[MailboxId] = None

    @property
    def settings(self) -> MailboxSettings:
        """The part that may be shown."""
        return MailboxSettings.model_validate({name: getattr(self, name) for name in MailboxSettings.model_fields})

    @property
    def secrets(self) -> MailboxSecrets:
        """The part that may not."""
        return MailboxSecrets.model_validate({name: getattr(self, name) for name in MailboxSecrets.model_fields})


class LiveState(BaseModel):
    """What the fetcher does with a mailbox now, as it told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    word: State
    since: datetime = Field(description="When the fetcher began to do this.")
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    next_poll_at: datetime | None = Field(None, description="When the next look, or the next try, is due.")
    failed_actions: int = Field(
        0, description="Mails that could not be marked, moved or deleted, and that nobody has retried since."
    )
    behind: int = Field(0, description="Mails that are known to wait in the mailbox.")
    overdue: bool = Field(description="Whether a fetch should have ended well long ago.")
    category: str = Field("ok", description="What the last look ended with; ok, or a connection test's category.")
    detail: str = ""
    progress: Progress | None = Field(None, description="Of the fetch in hand.")


class MailboxState(BaseModel):
    """How a mailbox is doing. Counts are of the last 24 hours."""

    model_config = ConfigDict(frozen=True)

    word: str = Field(description="ok, error, paused, or never (no fetch run so far).")
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    category: str | None = Field(None, description="What the last run ended with; ok, or a connection test's category.")
    detail: str = ""
    mails_24h: int = 0
    imported_24h: int = 0
    failed_24h: int = 0
    live: LiveState | None = Field(None, description="Null while no fetcher told, or the bus is away.")


class MailboxView(MailboxSettings):
    """A mailbox with everything but its secrets. `version` grows with each change and is the ETag."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    version: int
    has_password: bool = Field(description="Whether a password is saved.")
    saved_secrets: list[str] = Field(description="Names of the secrets that are saved; their values never come out.")
    weaknesses: list[Weakness] = Field(description="What is unsafe about its settings.")
    is_published: bool = Field(description="Whether the fetchers have been told this version.")
    created_at: datetime
    updated_at: datetime
    state: MailboxState

    @property
    def last_fetch_at(self) -> datetime | None:
        """When the latest fetch ended, well or not, whoever told."""
        return _latest(self.state.last_run_at, self.state.live.last_poll_at if self.state.live else None)

    @property
    def last_good_fetch_at(self) -> datetime | None:
        """When the latest fetch ended that went well."""
        return _latest(self.state.last_success_at, self.state.live.last_success_at if self.state.live else None)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
