"""Why no reports arrive: what DNS must say so that other mail systems send reports, and to a mailbox that we read.

examine ── lookup ── DNS
   └────── judge, records (pure)
"""

from dmarq.doctor.examine import examine
from dmarq.doctor.judge import Finding, Verdict
from dmarq.doctor.lookup import Dns, Offline

__all__ = ["Dns", "Finding", "Offline", "Verdict", "examine"]
