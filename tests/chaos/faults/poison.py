"""A mail that kills the process: it becomes a dead letter after a bounded number of tries, and takes no other along."""

import os
import sys
import time
from random import Random

from tests.chaos.audit import Allowance
from tests.chaos.fragile_extractor import WORD
from tests.chaos.load import name_of
from tests.chaos.site import Layout, Site
from tests.chaos.trial import Fault

PATIENCE_S = 900.0  # a dozen deliveries, each after the acknowledgement deadline of the one before
LAYOUT = Layout(
    services={"parser": 1, "fragile-extractor": 1, "fetcher": 1},
    environment={"PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))},
)


def poison(site: Site, rng: Random) -> bool:
    """Two such mails arrive among the others; waits until they are buried."""
    time.sleep(rng.uniform(0, 0.3))
    for number in range(2):
        raw = WORD + b"\r\nMessage-ID: <poison.%d@example.com>\r\nSubject: hello\r\n\r\nhello\r\n" % number
        site.user.deliver(raw)
        site.delivered.append(name_of(raw))
        time.sleep(0.05)
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and sum("crash" in reason for reason in _reasons(site)) < 2:
        site.crew.keep_up()
        time.sleep(0.5)
    return sum("crash" in reason for reason in _reasons(site)) >= 2


def _reasons(site: Site) -> list[str]:
    return [mail.reason for mail in site.ledger.mails() or () if mail.outcome == "failed"]


POISON = (
    Fault(
        name="mails that kill the extractor",
        strike=poison,
        times=1,
        layout=LAYOUT,
        allowance=lambda _: Allowance(poison=frozenset(f"poison.{number}@example.com" for number in range(2))),
    ),
)
