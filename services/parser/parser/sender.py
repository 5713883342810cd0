"""The name of a report's sender where the report itself does not say it."""

from parser.notes import Notes
from parser.reading import Hints
from parser.repairs import Repair


def sender_name(hints: Hints, *, contact: str | None, notes: Notes) -> str:
    """The file name's receiver, else the From domain, else the contact's domain, else ""; each of them is noted."""
    contact_domain = (contact or "").rpartition("@")[2].strip("<> ")
    for name, repair in (
        (hints.receiver, Repair.ORG_FROM_FILE_NAME),
        (hints.from_domain, Repair.ORG_FROM_MAIL),
        (contact_domain, Repair.ORG_FROM_CONTACT),
    ):
        text = notes.text(name)
        if text:
            notes.add(repair)
            return text
    notes.add(Repair.MISSING_ORG_NAME)
    return ""
