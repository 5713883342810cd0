"""The IMAP edge: one signed-in session with a mailbox, on aioimaplib, which is imported nowhere else.

session ── reading, acting, folders ── connection ── protocol ── aioimaplib
                │                          │            │
                │                          └─ exchange ─┴─ budget
                └── answers, fetch_answer, listing ── tokens, status ── wire
"""

from fetcher.imap.account import Account, Deadlines
from fetcher.imap.answers import FolderStatus, Selected
from fetcher.imap.connection import ProtocolLog
from fetcher.imap.criteria import Criteria
from fetcher.imap.faults import ImapFault, Withheld
from fetcher.imap.fetch_answer import Fetched, Meta
from fetcher.imap.listing import Folder
from fetcher.imap.session import ImapSession

__all__ = [
    "Account",
    "Criteria",
    "Deadlines",
    "Fetched",
    "Folder",
    "FolderStatus",
    "ImapFault",
    "ImapSession",
    "Meta",
    "ProtocolLog",
    "Selected",
    "Withheld",
]
