"""Every fault, by name."""

from tests.chaos.faults.away import AWAY
from tests.chaos.faults.cluster import CLUSTER
from tests.chaos.faults.full import FULL
from tests.chaos.faults.imap import IMAP
from tests.chaos.faults.kills import KILLS
from tests.chaos.faults.network import NETWORK
from tests.chaos.faults.poison import POISON
from tests.chaos.faults.twins import TWINS
from tests.chaos.trial import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*KILLS, *NETWORK, *IMAP, *FULL, *CLUSTER, *TWINS, *POISON, *AWAY)
}
