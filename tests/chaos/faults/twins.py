"""Several of a kind: two fetchers that share a mailbox's lease, two extractors and two parsers at once."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random

from pipeline.contracts.topology import LEASE_BUCKET
from tests.chaos.faults.kills import TIMEOUT_S
from tests.chaos.site import Layout, Site
from tests.chaos.trial import Fault
from tests.chaos.wires import Trap

AT_WORK = rb"UID (FETCH|MOVE) "
LONGER_THAN_A_LEASE_S = LEASE_BUCKET.max_age + 10

FETCHERS = Layout(services={"parser": 1, "extractor": 1, "fetcher": 2})
EXTRACTORS = Layout(services={"parser": 1, "extractor": 2, "fetcher": 1})
PARSERS = Layout(services={"parser": 2, "extractor": 1, "fetcher": 1})
ALL = Layout(services={"parser": 2, "extractor": 2, "fetcher": 2})


def kill_holder(site: Site, rng: Random) -> bool:
    """Kills the fetcher that holds the mailbox; the other one takes over."""
    holder = holder_at_work(site)
    if holder:
        site.crew.kill(holder)
    return bool(holder)


def freeze_holder(site: Site, rng: Random) -> bool:
    """Stops the fetcher that holds the mailbox for longer than its lease lasts, and lets it go on as if nothing was."""
    holder = holder_at_work(site)
    if not holder:
        return False
    site.crew.signal(holder, signal.SIGSTOP)
    time.sleep(LONGER_THAN_A_LEASE_S)
    site.crew.signal(holder, signal.SIGCONT)
    return True


def kill_one(service: str, site: Site, rng: Random) -> bool:
    """Kills one of them."""
    time.sleep(rng.uniform(0.1, 1.5))
    site.crew.kill(rng.choice(site.crew.names(service)))
    return True


def holder_at_work(site: Site) -> str:
    """Which fetcher is in the middle of a command; "" when none is for a while."""
    with _watched(site) as traps:
        ends = time.monotonic() + TIMEOUT_S
        while time.monotonic() < ends:
            at_work = [name for name, trap in traps.items() if trap.sprung.is_set()]
            if at_work:
                return at_work[0]
            time.sleep(0.002)
    return ""


@contextmanager
def _watched(site: Site) -> Iterator[dict[str, Trap]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(site.wire(name, "imap").trap(AT_WORK, after=True))
            for name in site.crew.names("fetcher")
        }


TWINS = (
    Fault(name="two fetchers, the holder killed", strike=kill_holder, times=2, layout=FETCHERS),
    Fault(name="two fetchers, the holder frozen", strike=freeze_holder, times=2, layout=FETCHERS),
    Fault(name="two extractors, one killed", strike=partial(kill_one, "extractor"), times=2, layout=EXTRACTORS),
    Fault(name="two parsers, one killed", strike=partial(kill_one, "parser"), times=2, layout=PARSERS),
)
