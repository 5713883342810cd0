"""Every fault, by name."""

from tests.chaos.faults.kills import KILLS
from tests.chaos.trial import Fault

FAULTS: dict[str, Fault] = {fault.name: fault for fault in (*KILLS,)}
