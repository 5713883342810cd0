"""kill -9: of each service at random moments and at each step that makes something durable, and of each server.

A step is recognised by the bytes that pass on the wire: the process is killed just before they are sent, or when they
have been sent and their answer has not come yet.
"""

import time
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.chaos.site import Site
from tests.chaos.trial import Fault

TIMEOUT_S = 20.0
LONGEST_WAIT_S = 1.5
AWAY_S = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """A durable step of a service: its name, the server it speaks to, and how that looks on the wire."""

    service: str
    name: str
    server: str
    pattern: bytes
    among: int = 20  # the match that is taken is one of so many


def acknowledging(stream: str) -> bytes:
    """How the acknowledgement of an event of this stream looks: without a word, unlike a heartbeat."""
    return rb"PUB \$JS\.ACK\.(\S+\.)?%s\.\S+ +0\r\n" % stream.encode()


STEPS = (
    Step("fetcher", "publish of mail", "nats", rb"PUB mail\.fetched\.", among=3),
    Step("fetcher", "cursor move", "nats", rb"PUB \$KV\.cursor\.", among=3),
    Step("fetcher", "MOVE", "imap", rb"UID MOVE ", among=3),
    Step("fetcher", "ack of commands", "nats", acknowledging("COMMAND"), among=2),
    Step("extractor", "publish of documents", "nats", rb"PUB mail\.extracted\.", among=4),
    Step("extractor", "ack of mails", "nats", acknowledging("MAIL"), among=4),
    Step("parser", "commit", "postgres", rb"COMMIT;\x00", among=4),
    Step("parser", "outbox relay", "nats", rb"PUB mailbox\.command\.", among=4),
    Step("parser", "ack of documents", "nats", acknowledging("EXTRACT"), among=4),
)


def kill_at(step: Step, after: bool, site: Site, rng: Random) -> bool:
    """Kills the service at the step."""
    wire = site.wire(step.service, step.server)
    kill = partial(site.crew.kill, step.service)
    with wire.trap(step.pattern, spring=kill, after=after, skip=rng.randrange(step.among)) as trap:
        return trap.wait(TIMEOUT_S)


def kill_service(service: str, site: Site, rng: Random) -> bool:
    """Kills the service at some moment."""
    time.sleep(rng.uniform(0.1, LONGEST_WAIT_S))
    site.crew.kill(service)
    return True


def kill_broker(site: Site, rng: Random) -> bool:
    """Kills nats-server and starts it again."""
    time.sleep(rng.uniform(0.1, LONGEST_WAIT_S))
    site.broker.kill()
    time.sleep(rng.uniform(0, AWAY_S))
    site.broker.start()
    return True


def kill_postgres(site: Site, rng: Random) -> bool:
    """Kills PostgreSQL and starts it again."""
    time.sleep(rng.uniform(0.1, LONGEST_WAIT_S))
    assert site.postgres.child is not None
    site.postgres.child.kill()
    time.sleep(rng.uniform(0, AWAY_S))
    site.postgres.start()
    return True


def kill_dovecot(site: Site, rng: Random) -> bool:
    """Kills Dovecot with all its sessions and starts it again."""
    time.sleep(rng.uniform(0.1, LONGEST_WAIT_S))
    site.dovecot.kill()
    time.sleep(rng.uniform(0, AWAY_S))
    site.dovecot.start()
    return True


KILLS = (
    *(
        Fault(name=f"kill -9 {service}", strike=partial(kill_service, service), times=4)
        for service in ("fetcher", "extractor", "parser")
    ),
    *(
        Fault(
            name=f"kill -9 {step.service} {'after' if after else 'before'} {step.name}",
            strike=partial(kill_at, step, after),
        )
        for step in STEPS
        for after in (False, True)
    ),
    Fault(name="kill -9 nats-server", strike=kill_broker, times=4),
    Fault(name="kill -9 PostgreSQL", strike=kill_postgres, times=4),
    Fault(name="kill -9 Dovecot", strike=kill_dovecot, times=4),
)
