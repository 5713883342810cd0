"""The soak: mails arrive for as long as it lasts while faults are injected at random, one upon the other.

There are two of each service. One of them is killed now and then; the elder one lives through everything, and its
memory, file descriptors and connections must stay flat.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from threading import Thread

from dmarq.samples import total
from tests.chaos.audit import audit
from tests.chaos.faults import kills, network
from tests.chaos.faults.twins import ALL
from tests.chaos.load import Load
from tests.chaos.site import Site, running_site
from tests.chaos.table import complaints
from tests.chaos.trial import Row, evidence, wait_done
from tests.chaos.vitals import Trend, Vitals
from tests.chaos.witness import Witness

ARRIVALS_PER_S = 4.0
REST_S = (2.0, 15.0)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it."""

    seed: int
    row: Row
    strikes: Counter[str]
    trends: list[Trend]

    @property
    def clean(self) -> bool:
        """Whether nothing was lost or doubled, and everything stayed flat."""
        return self.row.clean and all(trend.is_flat for trend in self.trends)


def soak(*, minutes: float, seed: int) -> Soaked:
    """Runs for so many minutes, and until everything is done."""
    rng = Random(seed)
    load = Load.of(int(minutes * 60 * ARRIVALS_PER_S), seed=seed)
    strikes: Counter[str] = Counter()
    began = time.monotonic()
    ends = began + minutes * 60
    with (
        running_site(ALL) as site,
        Witness(site.folders, site.ledger) as witness,
        Vitals(partial(_elders, site)) as vitals,
    ):
        site.open_mailbox()
        arriving = Thread(target=_arrive, args=(site, load, ends), daemon=True)
        arriving.start()
        while time.monotonic() < ends:
            name, strike = rng.choice(_strikes(site))
            strikes[name] += strike(site, rng)
            site.crew.keep_up()
            time.sleep(rng.uniform(*REST_S))
        arriving.join()
        lifted = time.monotonic()
        wait_done(site)
        recovery_s = time.monotonic() - lifted
        witness.look()
        arrived = Load(load.mails[: len(site.delivered)])
        row = Row(
            fault="soak",
            injected=strikes.total(),
            mails=len(arrived.mails),
            findings=audit(replace(evidence(site, load, witness), expected=total(arrived.mails))),
            recovery_s=recovery_s,
            seconds=time.monotonic() - began,
            complaints=tuple(site.complaints()),
        )
        return Soaked(seed, row, strikes, vitals.trends())


def told(soaked: Soaked) -> str:
    """The outcome for people."""
    row = soaked.row
    found = row.findings
    lines = [
        f"{row.seconds / 60:.0f} minutes, {row.mails:,} mails, {row.injected} faults, seed {soaked.seed}: "
        f"lost {len(found.lost)}, doubled {len(found.doubled)}, too early {len(found.early)}; "
        f"done {row.recovery_s:.0f} s after the last fault",
        ", ".join(f"{count} × {name}" for name, count in sorted(soaked.strikes.items())),
        "",
        f"{'process':<12}{'figure':<14}{'first third':>12}{'last third':>12}{'peak':>8}",
    ]
    for trend in soaked.trends:
        figures = f"{trend.first:>12.0f}{trend.last:>12.0f}{trend.peak:>8.0f}"
        lines.append(f"{trend.process:<12}{trend.figure:<14}{figures}{'' if trend.is_flat else '  GROWS'}")
    return "\n".join([*lines, *complaints(row)])


def _strikes(site: Site) -> list[tuple[str, Callable[[Site, Random], bool]]]:
    younger = [name for name in site.crew.names() if name.endswith("-2")]
    ways = [*network.WAYS, ("fetcher-2", "imap"), ("parser-2", "postgres")]
    return [
        *((f"kill -9 {name}", partial(kills.kill_service, name)) for name in younger),
        ("kill -9 nats-server", kills.kill_broker),
        ("kill -9 PostgreSQL", kills.kill_postgres),
        ("kill -9 Dovecot", kills.kill_dovecot),
        *((f"cut {a} to {b}", partial(network.cut, (a, b))) for a, b in ways),
        *((f"stalled {a} to {b}", partial(network.stall, (a, b))) for a, b in ways),
        *((f"half-open {a} to {b}", partial(network.half_open, (a, b))) for a, b in ways),
    ]


def _elders(site: Site) -> dict[str, int]:
    return {name: site.crew.child(name).pid for name in ("fetcher", "extractor", "parser")}


def _arrive(site: Site, load: Load, ends: float) -> None:
    for mail in load.mails:
        if time.monotonic() > ends:
            return
        site.deliver([mail])
        time.sleep(1 / ARRIVALS_PER_S)
