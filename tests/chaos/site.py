"""A site: real servers, real services, a wire between each of them, and a mailbox that mails arrive in."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from dmarq.samples import SampleMail
from pipeline.contracts.mailbox import Mailbox
from tests.chaos.broker import Broker, BusDesk
from tests.chaos.crew import Crew, Post
from tests.chaos.folders import FAILED, OTHER, PROCESSED, Folders
from tests.chaos.ledger import Ledger
from tests.chaos.load import name_of
from tests.chaos.wires import Wire, Wires
from tests.support.client import dovecot_mailbox
from tests.support.dovecot import Dovecot, User, running_dovecot
from tests.support.services import Services

SERVERS_OF = {
    "fetcher": ("nats", "imap"),
    "extractor": ("nats",),
    "fragile-extractor": ("nats",),
    "parser": ("nats", "postgres"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a site is made of. `services`: how many of each; `mailbox`: fields of MailboxSettings."""

    services: Mapping[str, int] = field(default_factory=lambda: {"parser": 1, "extractor": 1, "fetcher": 1})
    mailbox: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class SingleBroker(EmbeddedNats):
    """The embedded broker, with a way to kill it, and what it has logged."""

    @property
    def log(self) -> str:
        return self._data.log("nats").read_text(errors="replace")

    def kill(self) -> None:
        """Ends it with SIGKILL."""
        assert self.child is not None
        self.child.kill()


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything that runs, and the way to each part of it.

    `disk` is where a server's files are, when that is a small one. `delivered` and `removed` are names of mails.
    """

    wires: Wires
    broker: Broker
    postgres: EmbeddedPostgres
    dovecot: Dovecot
    user: User
    crew: Crew
    ledger: Ledger
    desk: BusDesk
    folders: Folders
    logs: Path
    layout: Layout
    disk: Path | None = None
    delivered: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    notes: dict[str, str] = field(default_factory=dict)

    def wire(self, service: str, server: str) -> Wire:
        """The way from a service to "nats", "postgres" or "imap"."""
        return self.crew.wire(service, server)

    def open_mailbox(self, **changes: Any) -> None:
        """Tells the fetchers about the mailbox."""
        self.desk.put_mailbox(self._mailbox(**changes))

    def deliver(self, mails: Sequence[SampleMail]) -> None:
        """The mails arrive."""
        for mail in mails:
            self.user.deliver(mail.raw)
            self.delivered.append(name_of(mail.raw))

    def done(self) -> int | None:
        """How many mails are finished: in the ledger and not waiting for their command. None while nobody can tell."""
        figures = self.ledger.figures()
        return None if figures is None else figures.mails - figures.pending

    def complaints(self) -> list[str]:
        """What services logged that no fault of a server explains."""
        pattern = re.compile(r"internal_error|mailbox_task_failed|dead_letter_failed|Traceback|\bDead.*bug\b")
        lines = (line for log in self.logs.glob("*.log") for line in log.read_text(errors="replace").splitlines())
        return [line for line in lines if pattern.search(line)]

    def _mailbox(self, **changes: Any) -> Mailbox:
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.wire("fetcher", "imap").port,
            "security": "none",  # so that the wire can be listened to
            "ca_certificate": None,
            "on_processed": {"action": "move", "folder": PROCESSED},
            "on_failed": {"action": "move", "folder": FAILED},
            "on_not_a_report": {"action": "move", "folder": OTHER},
        }
        return dovecot_mailbox(self.dovecot, self.user, **{**settings, **self.layout.mailbox, **changes})


@contextmanager
def running_site(layout: Layout) -> Iterator[Site]:
    """A site whose services are up; its mailbox is not open yet."""
    with ExitStack() as stack:
        data = stack.enter_context(temporary_data_dir())
        broker = stack.enter_context(SingleBroker(data))
        postgres = stack.enter_context(EmbeddedPostgres(data))
        yield stack.enter_context(manned_site(layout, broker=broker, postgres=postgres))


@contextmanager
def manned_site(layout: Layout, *, broker: Broker, postgres: EmbeddedPostgres) -> Iterator[Site]:
    """The rest of a site, round these servers."""
    with ExitStack() as stack:
        dovecot = stack.enter_context(running_dovecot())
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dmarq-chaos-")))
        wires = stack.enter_context(Wires())
        services = Services(nats_url=broker.url, database_url=postgres.url, logs=logs)
        stack.callback(services.stop_all)
        site = Site(
            wires=wires,
            broker=broker,
            postgres=postgres,
            dovecot=dovecot,
            user=(user := dovecot.user("chaos")),
            crew=Crew(services),
            ledger=Ledger(wires.loop, postgres.url),
            desk=BusDesk(wires.loop, broker.url),
            folders=Folders(user),
            logs=logs,
            layout=layout,
        )
        _man(site)
        yield site


def _man(site: Site) -> None:
    for service, count in site.layout.services.items():
        for number in range(count):
            site.crew.add(_post(site, service, name=service if not number else f"{service}-{number + 1}"))


def _post(site: Site, service: str, *, name: str) -> Post:
    urls = {"nats": site.broker.url, "postgres": site.postgres.url}
    ports = {"nats": site.broker.port, "postgres": site.postgres.port, "imap": site.dovecot.imap_port}
    wires = {server: site.wires.to(ports[server]) for server in SERVERS_OF[service]}
    variables = {"nats": "DMARQ_NATS_URL", "postgres": "DMARQ_DATABASE_URL"}
    through = {variables[s]: _through(urls[s], wire) for s, wire in wires.items() if s in urls}
    return Post(name, service, wires, {**through, "DMARQ_LOG_JSON": "false", **site.layout.environment})


def _through(url: str, wire: Wire) -> str:
    """The same URL, over the wire. A cluster's clients must be free to go to another server."""
    parts = urlsplit(url)
    if "," in url or parts.port is None:
        return url
    return url.replace(f":{parts.port}", f":{wire.port}")
