"""A mail server that misbehaves: what it says is put in its mouth on the wire, so that the mails are still real."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random

from tests.chaos.audit import Allowance
from tests.chaos.folders import INBOX
from tests.chaos.site import Site
from tests.chaos.trial import Fault

TIMEOUT_S = 20.0
LYING_S = 3.0
REMOVED = 25  # mails a strike

FETCH = rb"^(\S+) UID FETCH [^\r]*BODY[^\r]*\r\n"
MOVE = rb"^(\S+) UID MOVE [^\r]*\r\n"
SELECT = rb"^(\S+) SELECT [^\r]*\r\n"

SAID = {
    "BYE in FETCH": (FETCH, rb"* BYE shutting down\r\n"),
    "NO to FETCH": (FETCH, rb"\1 NO [SERVERBUG] internal error\r\n"),
    "NO to MOVE": (MOVE, rb"\1 NO [INUSE] try again later\r\n"),
    "BAD to MOVE": (MOVE, rb"\1 BAD what is that\r\n"),
    "throttling": (SELECT, rb"\1 NO [THROTTLED] slow down\r\n"),
}
REFUSED = {
    "target folder not permitted": (MOVE, rb"\1 NO [NOPERM] permission denied\r\n"),
    "quota full": (MOVE, rb"\1 NO [OVERQUOTA] quota exceeded\r\n"),
}


def say(pattern: bytes, answer: bytes, site: Site, rng: Random) -> bool:
    """For some seconds, commands like that do not arrive and are answered like this."""
    wire = site.wire("fetcher", "imap")
    told = wire.lies_told
    time.sleep(rng.uniform(0, 0.5))
    with wire.answering(pattern, answer):
        ends = time.monotonic() + TIMEOUT_S
        while wire.lies_told == told and time.monotonic() < ends:
            time.sleep(0.05)
        time.sleep(LYING_S)
    return wire.lies_told > told


@contextmanager
def sizes_that_lie(site: Site) -> Iterator[None]:
    """RFC822.SIZE is 1 for every mail."""
    with site.wire("fetcher", "imap").rewriting(rb"RFC822\.SIZE \d+", rb"RFC822.SIZE 1"):
        yield


@contextmanager
def without_move(site: Site) -> Iterator[None]:
    """The server does not say that it can move mails; they are copied and removed."""
    with site.wire("fetcher", "imap").rewriting(rb" MOVE\b", rb""):
        yield


def cut_after_copy(site: Site, rng: Random) -> bool:
    """Resets the connection when a COPY is done; its answer never comes."""
    wire = site.wire("fetcher", "imap")
    with wire.trap(rb"COPYUID", spring=wire.proxy.cut, to_server=False, skip=rng.randrange(2)) as trap:
        return trap.wait(TIMEOUT_S)


def lied(site: Site, rng: Random) -> bool:
    """Waits until a lie was told."""
    time.sleep(rng.uniform(2.0, 3.0))
    return site.wire("fetcher", "imap").lies_told > 0


def renumber(site: Site, rng: Random) -> bool:
    """The folder gets another UIDVALIDITY while its mails are on their way, and one MOVE just did not arrive.

    Not while Dovecot itself moves mails: it would find its files gone between copying and removing.
    """
    with site.wire("fetcher", "imap").trap(rb"UID MOVE ") as trap:
        went_in = trap.wait(TIMEOUT_S)
    site.user.renumber()
    site.wire("fetcher", "imap").cut()  # the server notices when the folder is opened again
    return went_in


def take_away(site: Site, rng: Random) -> bool:
    """Somebody else removes mails that are fetched but not acted on yet."""
    with site.wire("extractor", "nats").trap(rb"PUB mail\.extracted\.", after=True) as trap:
        went_in = trap.wait(TIMEOUT_S)
    chosen = site.folders.names(INBOX)[:REMOVED]
    removed = {name for name in chosen if site.folders.remove(INBOX, name)}
    site.removed |= removed
    return went_in and bool(removed)


IMAP = (
    *(Fault(name=f"IMAP {name}", strike=partial(say, *words), times=2) for name, words in SAID.items()),
    Fault(name="IMAP sizes that lie", strike=lied, round_all=sizes_that_lie),
    Fault(name="IMAP without MOVE, cut after COPY", strike=cut_after_copy, round_all=without_move),
    Fault(
        name="IMAP uidvalidity changed",
        strike=renumber,
        times=1,
        allowance=lambda _: Allowance(numberings=2),
    ),
    Fault(
        name="IMAP mail removed by another client",
        strike=take_away,
        allowance=lambda site: Allowance(removed=frozenset(site.removed)),
    ),
    *(
        Fault(
            name=f"IMAP {name}",
            strike=partial(say, *words),
            times=2,
            allowance=lambda _: Allowance(may_stay=True),
        )
        for name, words in REFUSED.items()
    ),
)
