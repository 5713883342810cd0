"""What requests are served with: the loop, and on it the database, the bus and the tasks that live as long as we do."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app

from config_api.backend.confinement import confined_to
from config_api.backend.feed import Feed
from config_api.backend.loop import Loop
from config_api.backend.recent import Recent
from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.postgres.connection import Database
from pipeline.secrets import Keyring
from pipeline.settings import Settings
from pipeline.sources.services_file import ServicesFile
from pipeline.telemetry.health import Readiness

if TYPE_CHECKING:
    from config_api.mailboxes.model import MailboxInput

T = TypeVar("T")
EXTENSION = "backend"


class Backend:
    """Shared by all requests. `database` and `bus` raise TryLater at once while they are away."""

    def __init__(self, settings: Settings, keys: Keyring, *, declared: "tuple[MailboxInput, ...]" = ()) -> None:
        self.settings = settings
        self.keys = keys
        self.declared = declared
        self.loop = Loop()
        self.readiness = Readiness()
        self.feed = Feed()
        self.recent = Recent()
        self.services = ServicesFile(settings.services_path)
        self.changed = asyncio.Event()  # a mailbox was changed: the bus must hear of it; only for the loop's thread
        self.importing = asyncio.Semaphore(1)  # a large file is on its way to the object store, in pieces of megabytes
        self.answer_timeout = 15.0  # seconds a request waits for the database or the bus
        self._database: Database | None = None
        self._bus: Bus | None = None

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Runs the coroutine on the loop and waits for it. Raises TryLater after `timeout` seconds."""
        return self.loop.call(work, timeout=timeout or self.answer_timeout)

    @property
    def database(self) -> Database:
        """The database, as far as whoever sent the request in hand may see it."""
        domains = confined_to()
        return self.whole_database if domains is None else self.whole_database.confined_to(domains)

    @property
    def whole_database(self) -> Database:
        """The database, whoever asks: for finding out who that is, and for what is noted of them."""
        if self._database is None:
            raise TryLater("postgres", "not connected yet")
        return self._database

    @property
    def bus(self) -> Bus:
        """The bus."""
        if self._bus is None or not self._bus.client.is_connected:
            raise TryLater("nats", "not connected")
        return self._bus

    @property
    def has_bus(self) -> bool:
        """Whether the bus was ever there, its streams as declared."""
        return self._bus is not None

    def take_database(self, database: Database) -> None:
        """The database is there, its schema up to date."""
        self._database = database

    def take_bus(self, bus: Bus) -> None:
        """The bus is there, its streams as declared."""
        self._bus = bus


def backend() -> Backend:
    """The backend of the application that serves this request."""
    return cast(Backend, current_app.extensions[EXTENSION])
