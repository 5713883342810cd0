"""A copy of a report mail or a report that shows what is odd about it and not whose it is, for a bug report."""

from pipeline.anonymise.wrappings import anonymised

__all__ = ["anonymised"]
