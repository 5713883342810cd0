"""One trial: a fault strikes a site again and again while mails are on their way; then everything is audited.

Each strike has its own mails: most of them are there when it begins, the others arrive while it lasts.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Thread

from dmarq.samples import SampleMail
from tests.chaos.audit import Allowance, Evidence, Findings, audit
from tests.chaos.folders import INBOX, TARGETS
from tests.chaos.load import Load
from tests.chaos.site import Layout, Site, running_site
from tests.chaos.witness import Witness

LOOK_EVERY_S = 0.2
NO_PROGRESS_S = 150.0  # longer than any lease, deadline or backoff that a recovery may have to wait for
THERE_AT_ONCE = 0.9
ARRIVING_S = 5.0  # for the others


Portion = Sequence[SampleMail]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong. `strike` makes it go wrong once and lifts it again; whether it really went in.

    `round_all` is round the whole trial. `allowance` may look at what the strikes did. `mails`: so many a
    strike, at least.
    """

    name: str
    strike: Callable[[Site, Random], bool]
    times: int = 3
    mails: int = 0
    layout: Layout = field(default_factory=Layout)
    site: Callable[[Layout], AbstractContextManager[Site]] = running_site
    round_all: Callable[[Site], AbstractContextManager[None]] | None = None
    allowance: Callable[[Site], Allowance] = lambda _: Allowance()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a trial. `recovery_s`: the longest time from the end of a strike until all that had arrived was
    done."""

    fault: str
    injected: int
    mails: int
    findings: Findings
    recovery_s: float
    seconds: float
    complaints: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether the fault went in and nothing was lost, doubled or early."""
        return self.findings.clean and self.injected > 0


def tried(fault: Fault, *, mails: int, seed: int, times: int | None = None) -> Row:
    """As `trial`; one that could not be carried out is a row as well, and a broken one, so that the others go on."""
    began = time.monotonic()
    try:
        return trial(fault, mails=mails, seed=seed, times=times)
    except Exception as error:  # noqa: BLE001 whatever ends one trial must not end the others
        complaints = ("the trial ended early:", *traceback.format_exception(error)[-3:])
        seconds = time.monotonic() - began
        return Row(
            fault=fault.name, injected=0, mails=0, findings=Findings(), recovery_s=0, seconds=seconds,
            complaints=complaints,
        )  # fmt: skip


def trial(fault: Fault, *, mails: int, seed: int, times: int | None = None) -> Row:
    """Runs the fault against a fresh site, with so many mails for each strike."""
    rng = Random(f"{seed}-{fault.name}")
    portion = max(mails, fault.mails)
    load = Load.of(portion * (fault.times if times is None else times), seed=seed)
    began = time.monotonic()
    with fault.site(fault.layout) as site, Witness(site.folders, site.ledger) as witness:
        site.open_mailbox()
        with _round(fault, site):
            injected, recovery_s = _strikes(fault, site, load.portions(portion), rng)
        witness.look()
        findings = audit(evidence(site, load, witness), fault.allowance(site))
        return Row(
            fault=fault.name,
            injected=injected,
            mails=len(load.mails),
            findings=findings,
            recovery_s=recovery_s,
            seconds=time.monotonic() - began,
            complaints=tuple(site.complaints()),
            notes=site.notes,
        )


def _strikes(fault: Fault, site: Site, portions: Iterable[Portion], rng: Random) -> tuple[int, float]:
    injected = 0
    slowest = 0.0
    for portion in portions:
        there = int(len(portion) * THERE_AT_ONCE)
        site.deliver(portion[:there])
        arriving = Thread(target=_trickle, args=(site, portion[there:]), daemon=True)
        arriving.start()
        injected += fault.strike(site, rng)
        site.crew.keep_up()
        lifted = time.monotonic()
        arriving.join()
        if not wait_done(site):
            site.notes["nothing moved any more, with these left"] = _left(site)
        slowest = max(slowest, time.monotonic() - lifted)
    return injected, slowest


def _trickle(site: Site, portion: Portion) -> None:
    for mail in portion:
        site.deliver([mail])
        time.sleep(ARRIVING_S / len(portion))


def wait_done(site: Site) -> bool:
    """Waits until every mail that arrived is done; False when nothing moves any more."""
    progress: tuple[int, ...] = ()
    moved_at = time.monotonic()
    while time.monotonic() - moved_at < NO_PROGRESS_S:
        time.sleep(LOOK_EVERY_S)
        site.crew.keep_up()
        figures = site.ledger.figures()
        if figures is None:
            continue
        inbox = site.folders.count(INBOX)
        now = (figures.mails, figures.pending, figures.outbox, inbox)
        if not figures.pending and not figures.outbox and _all_known(site, figures.mails):
            return True
        moved_at = time.monotonic() if now != progress else moved_at
        progress = now
    return False


def _left(site: Site) -> str:
    return f"{dict(site.desk.waiting())}, {site.ledger.figures()}"


def _all_known(site: Site, mails: int) -> bool:
    if mails < len(site.delivered) - len(site.removed):
        return False
    return all(not count for count in site.desk.waiting().values())


def evidence(site: Site, load: Load, witness: Witness) -> Evidence:
    """What is there now that everything is done."""
    figures = site.ledger.figures()
    ledger = site.ledger.mails()
    assert figures is not None
    assert ledger is not None
    return Evidence(
        delivered=tuple(site.delivered),
        expected=load.totals,
        ledger=ledger,
        figures=figures,
        folders={folder: site.folders.names(folder) for folder in (INBOX, *TARGETS)},
        dead_letters=site.desk.dead_letters(),
        announced=site.desk.announced(),
        early=witness.early,
    )


@contextmanager
def _round(fault: Fault, site: Site) -> Iterator[None]:
    if fault.round_all is None:
        yield
        return
    with fault.round_all(site):
        yield
