"""The network between client and server: cut, stalled, half-open, slow; at random, and in the middle of a command."""

import time
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.chaos.site import Site
from tests.chaos.trial import Fault

TIMEOUT_S = 20.0
STALL_S = 8.0
SLOW_S = 8.0
SLOW_BYTES_PER_S = 30_000

WAYS = (("fetcher", "imap"), ("fetcher", "nats"), ("extractor", "nats"), ("parser", "nats"), ("parser", "postgres"))


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in the middle of an IMAP command, as it looks on the wire."""

    name: str
    pattern: bytes
    to_server: bool = True
    after: bool = True


MOMENTS = (
    Moment("a FETCH literal", rb"BODY\[\][^\r]* \{\d+\}", to_server=False),
    Moment("MOVE, before it is sent", rb"UID MOVE ", after=False),
    Moment("MOVE, before its answer", rb"COPYUID", to_server=False, after=False),
    Moment("IDLE", rb" IDLE\r\n"),
    Moment("SELECT", rb" SELECT "),
)


def cut(way: tuple[str, str], site: Site, rng: Random) -> bool:
    """Resets every connection a few times in a row."""
    for _ in range(3):
        time.sleep(rng.uniform(0.1, 1.0))
        site.wire(*way).cut()
    return True


def stall(way: tuple[str, str], site: Site, rng: Random) -> bool:
    """Lets nothing through for some seconds; then all of it."""
    time.sleep(rng.uniform(0.1, 1.0))
    site.wire(*way).hang()
    time.sleep(STALL_S)
    site.wire(*way).repair()
    return True


def half_open(way: tuple[str, str], site: Site, rng: Random) -> bool:
    """The open connections lead nowhere from now on, and nobody says so."""
    time.sleep(rng.uniform(0.1, 1.0))
    site.wire(*way).abandon()
    return True


def slow(way: tuple[str, str], site: Site, rng: Random) -> bool:
    """A line of 30 kB a second."""
    time.sleep(rng.uniform(0.1, 1.0))
    site.wire(*way).slow(bytes_per_s=SLOW_BYTES_PER_S)
    time.sleep(SLOW_S)
    site.wire(*way).repair()
    return True


def cut_at(moment: Moment, site: Site, rng: Random) -> bool:
    """Resets the IMAP connections at a moment."""
    wire = site.wire("fetcher", "imap")
    trap = wire.trap(
        moment.pattern, spring=wire.proxy.cut, to_server=moment.to_server, after=moment.after, skip=rng.randrange(2)
    )
    with trap as set_trap:
        return set_trap.wait(TIMEOUT_S)


NETWORK = (
    *(
        Fault(name=f"{name}, {way[0]} to {way[1]}", strike=partial(strike, way), times=times)
        for name, strike, times in (
            ("cut", cut, 3),
            ("stalled", stall, 2),
            ("half-open", half_open, 1),
            ("slow", slow, 1),
        )
        for way in WAYS
    ),
    *(Fault(name=f"IMAP cut in {moment.name}", strike=partial(cut_at, moment)) for moment in MOMENTS),
)
