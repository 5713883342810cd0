"""The IMAP edge: one signed-in session with a mailbox.

session ── actions ── copying ── folders, search, fetch, sign_in ── transport ── grammar

`grammar` is the language, pure; `transport` one bounded connection, whose `protocol` alone knows aioimaplib. Others
import from here.
"""

from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.criteria import Criteria
from fetcher.imap.grammar.faults import ImapFault, NotDone, Withheld
from fetcher.imap.grammar.fetch_answer import Fetched, Meta
from fetcher.imap.grammar.names import Folder
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account, Deadlines
from fetcher.imap.transport.connection import ProtocolLog

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
    "NotDone",
    "ProtocolLog",
    "Selected",
    "Withheld",
]
