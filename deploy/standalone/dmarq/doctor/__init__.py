"""Why no reports arrive: what DNS must say so that other mail systems send reports, and to a mailbox that we read.

examine ── pipeline.dns
   └────── judge (pure)
system ─── client ── the running system
"""

from dmarq.doctor.examine import authentication, examine
from dmarq.doctor.judge import Finding, unanswered

__all__ = ["Finding", "authentication", "examine", "unanswered"]
