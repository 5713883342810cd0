"""Sample mails as a report mailbox gets them, made from a seed: for the demo, the benchmarks and the tests.

Pure: the same arguments give the same bytes. Every mail says what must become of it, so a run can be checked.
"""

from dmarq.samples.mails import SampleKind, SampleMail, Totals, make_mails, total

__all__ = ["SampleKind", "SampleMail", "Totals", "make_mails", "total"]
