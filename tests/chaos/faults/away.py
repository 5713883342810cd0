"""PostgreSQL away for the whole of a large run: the streams fill up, the fetcher waits, memory stays flat."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.bench.usage import Watched
from tests.chaos.site import Site
from tests.chaos.trial import Fault

MAILS = 20_000
BOUND = 2000  # events in each of MAIL and EXTRACT, so that they fill long before the mails are at their end
QUEUES = ("MAIL", "EXTRACT")
STILL_S = 15.0
TIMEOUT_S = 600.0


@contextmanager
def bounded_and_watched(site: Site) -> Iterator[None]:
    """Streams with a low bound; PostgreSQL goes before the first mail comes; the peaks of memory are noted."""
    assert site.postgres.child is not None
    site.postgres.child.kill()
    for queue in QUEUES:
        site.desk.limit(queue, events=BOUND)
    with Watched() as watched:
        for name in site.crew.names():
            watched.add(name, site.crew.child(name).pid)
        yield
        peaks = {name: f"{used.peak_megabytes:.0f} MB" for name, used in watched.usage().items()}
    site.notes["memory at its peak"] = ", ".join(f"{name} {peak}" for name, peak in peaks.items())


def away(site: Site, rng: Random) -> bool:
    """PostgreSQL returns when nothing has moved for a while."""
    full = _until_it_stands_still(site)
    site.notes["waiting at the bound"] = ", ".join(f"{queue} {full[queue]:,}" for queue in QUEUES)
    site.postgres.start()
    return all(full[queue] >= BOUND for queue in QUEUES)


def _until_it_stands_still(site: Site) -> dict[str, int]:
    before: dict[str, int] = {}
    moved_at = began = time.monotonic()
    while time.monotonic() - moved_at < STILL_S and time.monotonic() - began < TIMEOUT_S:
        time.sleep(1.0)
        now = {**site.desk.waiting(), "delivered": len(site.delivered)}
        moved_at = time.monotonic() if now != before else moved_at
        before = now
    return before


AWAY = (
    Fault(name="PostgreSQL away for the whole run", strike=away, times=1, mails=MAILS, round_all=bounded_and_watched),
)
