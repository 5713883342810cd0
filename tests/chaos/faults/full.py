"""No room: streams that refuse when they are full, and disks of broker and database that run out of space."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random

from dmarq.embedded import DataDir, EmbeddedPostgres, temporary_data_dir
from tests.chaos.faults.kills import TIMEOUT_S
from tests.chaos.scratch import unmount
from tests.chaos.site import Layout, SingleBroker, Site, manned_site
from tests.chaos.trial import Fault

SMALL = 25  # events
QUEUES = ("MAIL", "EXTRACT", "COMMAND")
FULL_S = 6.0
DISK_MB = 320
BALLAST = "ballast"


@contextmanager
def small_streams(site: Site) -> Iterator[None]:
    """The work queues hold a few events each."""
    for queue in QUEUES:
        site.desk.limit(queue, events=SMALL)
    yield


def streams_fill(site: Site, rng: Random) -> bool:
    """The extractor is stopped for some seconds, so that the queue before it fills up."""
    site.crew.hold("extractor")
    ends = time.monotonic() + TIMEOUT_S
    while site.desk.waiting()["MAIL"] < SMALL and time.monotonic() < ends:
        time.sleep(0.1)
    full = site.desk.waiting()["MAIL"] >= SMALL
    time.sleep(FULL_S)
    site.crew.go_on("extractor")
    return full


def can_mount() -> bool:
    """Whether small disks can be made here: that needs root, and a machine that allows it."""
    with tempfile.TemporaryDirectory() as directory:
        if os.geteuid() or _mount(Path(directory)):
            return False
        unmount(Path(directory))
        return True


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of its own, of some hundred MB."""
    with tempfile.TemporaryDirectory(prefix="dmarq-disk-") as directory:
        path = Path(directory)
        path.chmod(0o711)
        if _mount(path):
            raise RuntimeError("no file system can be mounted here")
        try:
            path.chmod(0o711)
            yield path
        finally:
            unmount(path)


@contextmanager
def small_disk_under(server: str, layout: Layout) -> Iterator[Site]:
    """The files of "nats" or "postgres" are on a disk of their own."""
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        small = stack.enter_context(DataDir(disk / "data"))
        large = stack.enter_context(temporary_data_dir())
        broker = stack.enter_context(SingleBroker(small if server == "nats" else large))
        postgres = stack.enter_context(EmbeddedPostgres(small if server == "postgres" else large))
        site = stack.enter_context(manned_site(layout, broker=broker, postgres=postgres))
        site.disk = disk
        yield site


def postgres_disk_fills(site: Site, rng: Random) -> bool:
    """The disk is full for some seconds. PostgreSQL may give up meanwhile; then it is started again."""
    full = disk_fills(site, rng)
    assert site.postgres.child is not None
    if not site.postgres.child.running:
        site.postgres.start()
    return full


def nats_disk_fills(site: Site, rng: Random) -> bool:
    """The disk is full for some seconds. Streams that could not be written refuse until NATS is started again."""
    assert isinstance(site.broker, SingleBroker)
    full = disk_fills(site, rng)
    felt = "no space left" in site.broker.log
    site.broker.kill()
    site.broker.start()
    return full and felt


def disk_fills(site: Site, rng: Random) -> bool:
    """The disk is full for some seconds; whether it was."""
    time.sleep(rng.uniform(0.1, 1.0))
    assert site.disk is not None
    ballast = site.disk / BALLAST
    full = _filled(ballast)
    time.sleep(FULL_S)
    ballast.unlink()
    return full


def _filled(ballast: Path) -> bool:
    block = bytes(1024 * 1024)
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(block):
                pass
        except OSError:
            return True
    return False


def _mount(path: Path) -> int:
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "tmpfs", str(path)],
        capture_output=True,
        check=False,
    ).returncode


STREAMS_FULL = Fault(name="NATS streams full", strike=streams_fill, times=2, round_all=small_streams)
DISKS_FULL = (
    Fault(name="NATS disk full", strike=nats_disk_fills, times=2, site=partial(small_disk_under, "nats")),
    Fault(name="PostgreSQL disk full", strike=postgres_disk_fills, times=2, site=partial(small_disk_under, "postgres")),
)
FULL = (STREAMS_FULL, *(DISKS_FULL if can_mount() else ()))
