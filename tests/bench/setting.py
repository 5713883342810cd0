"""What runs for a benchmark: servers, services and a mailbox."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from tests.bench.usage import Watched
from tests.support.bulk import many_mails
from tests.support.dovecot import Dovecot, User, running_dovecot
from tests.support.services import Services, services

SERVICES = ("parser", "extractor", "fetcher")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is running for one benchmark."""

    mails: int
    nats_url: str
    database_url: str
    dovecot: Dovecot
    user: User
    services: Services
    watched: Watched


def real_mails(user: User, mails: int) -> None:
    """Fills the mailbox with as many mails, each with a report of its own."""
    user.deliver(*many_mails(mails))


@contextmanager
def setting(
    mails: int, *, parsers: int = 1, extractors: int = 1, fill: Callable[[User, int], None] = real_mails
) -> Iterator[Setting]:
    """Servers and services, so many processes of each, and a mailbox with so many mails."""
    with ExitStack() as stack:
        data = stack.enter_context(temporary_data_dir())
        nats = stack.enter_context(EmbeddedNats(data))
        postgres = stack.enter_context(EmbeddedPostgres(data))
        dovecot = stack.enter_context(running_dovecot())
        user = dovecot.user("bench")
        fill(user, mails)
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dmarq-bench-")))
        urls = {"nats_url": nats.url, "database_url": postgres.url}
        started = stack.enter_context(services(*SERVICES, logs=logs, **urls))
        for service, wanted in (("parser", parsers), ("extractor", extractors)):
            for number in range(2, wanted + 1):
                started.start(service, name=f"{service}-{number}")
        watched = stack.enter_context(Watched())
        for name, child in (*started.running.items(), ("nats", nats.child), ("postgres", postgres.child)):
            if child is not None:
                watched.add(name, child.pid)
        watched.add("dovecot", dovecot.pid)
        yield Setting(mails=mails, dovecot=dovecot, user=user, services=started, watched=watched, **urls)
