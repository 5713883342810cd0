"""A cluster of three brokers with every stream on each: a node dies under load."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from dmarq.embedded import EmbeddedPostgres, temporary_data_dir
from tests.chaos.cluster import Cluster
from tests.chaos.site import Layout, Site, manned_site
from tests.chaos.trial import Fault

AWAY_S = 5.0


@contextmanager
def clustered_site(layout: Layout) -> Iterator[Site]:
    """A site whose broker is a cluster."""
    with ExitStack() as stack:
        broker = stack.enter_context(Cluster(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nats-")))))
        postgres = stack.enter_context(EmbeddedPostgres(stack.enter_context(temporary_data_dir())))
        yield stack.enter_context(manned_site(layout, broker=broker, postgres=postgres))


def lose_a_node(site: Site, rng: Random) -> bool:
    """Kills a node and starts it again after some seconds."""
    time.sleep(rng.uniform(0.1, 1.0))
    site.broker.kill()
    time.sleep(AWAY_S)
    site.broker.start()
    return True


CLUSTER = (
    Fault(
        name="cluster of three, a node killed",
        strike=lose_a_node,
        layout=Layout(environment={"DMARQ_NATS_REPLICAS": "3"}),
        site=clustered_site,
    ),
)
