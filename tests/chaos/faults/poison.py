"""Mails that the extractor has a bug for: each dies after a bounded number of tries, and takes no other along."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random

from pipeline.runtime.breaker import DEFAULT_BREAKER_POLICY
from tests.chaos.audit import Allowance
from tests.chaos.fragile_extractor import FAILS, KILLS
from tests.chaos.load import name_of
from tests.chaos.site import Layout, Site
from tests.chaos.trial import Fault

TIMEOUT_S = 900.0  # some deliveries, each after the acknowledgement deadline of the one before
SERVICE = "fragile-extractor"
LAYOUT = Layout(
    services={"parser": 1, SERVICE: 1, "fetcher": 1},
    environment={"PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))},
)
KILLERS = 2
RUN = 2 * DEFAULT_BREAKER_POLICY.run  # mails that run into a bug, one after the other


def kill(site: Site, rng: Random) -> bool:
    """Mails arrive that kill the process; waits until they are dead letters."""
    time.sleep(rng.uniform(0, 0.3))
    _arrive(site, KILLS, KILLERS)
    return _comes_true(site, lambda: _dead(site, "crash_loop") >= KILLERS)


def fail(site: Site, rng: Random) -> bool:
    """Many mails that run into a bug, among good ones; waits until they are dead letters. The stage stays ready."""
    time.sleep(rng.uniform(0, 0.3))
    _arrive(site, FAILS, RUN)
    return _comes_true(site, lambda: _dead(site, "bug") >= RUN) and site.crew.is_ready(SERVICE)


def _arrive(site: Site, word: bytes, count: int) -> None:
    for number in range(count):
        raw = word + b"\r\nMessage-ID: <poison.%d@example.com>\r\nSubject: hello\r\n\r\nhello\r\n" % number
        site.user.deliver(raw)
        site.delivered.append(name_of(raw))


def _comes_true(site: Site, what: Callable[[], bool]) -> bool:
    ends = time.monotonic() + TIMEOUT_S
    while time.monotonic() < ends:
        site.crew.keep_up()
        if what():
            return True
        time.sleep(0.5)
    return False


def _dead(site: Site, reason: str) -> int:
    return sum(mail.outcome == "failed" and mail.reason == reason for mail in site.ledger.mails() or ())


def _poison(count: int, _: Site) -> Allowance:
    return Allowance(poison=frozenset(f"poison.{number}@example.com" for number in range(count)))


POISON = (
    Fault(
        name="mails that kill the extractor",
        strike=kill,
        times=1,
        layout=LAYOUT,
        allowance=partial(_poison, KILLERS),
    ),
    Fault(
        name="mails that run into a bug hold up no others",
        strike=fail,
        times=1,
        layout=LAYOUT,
        allowance=partial(_poison, RUN),
    ),
)
