"""Why no reports arrive: what DNS must say so that other mail systems send reports, and to a mailbox that we read.

examine ── lookup ── DNS
   └────── judge, organisation, records (pure)
system ─── client ── the running system
"""

from dmarq.doctor.examine import examine
from dmarq.doctor.judge import Finding, Verdict, unanswered
from dmarq.doctor.lookup import Dns, Offline

__all__ = ["Dns", "Finding", "Offline", "Verdict", "examine", "unanswered"]
