"""A folder on the scripted server, with mails that it does not give out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fetcher.imap.grammar import uidset
from pipeline.contracts.mailbox import Mailbox, MailboxSettings
from tests.support.scripted_imap import HANG_UP, Answer, Step

BODY = b"From: a@b.example\r\nSubject: report\r\n\r\nwords\r\n"

LEAVES_OUT = b""
SAYS_NIL = b"* 1 FETCH (UID {uid} BODY[]<0> NIL)\r\n"
SAYS_NO = b"{tag} NO UID FETCH failed\r\n"
SAYS_NONSENSE = b"* 1 FETCH (UID {uid} BODY[]<0>\r\n"
HANGS_UP = HANG_UP


@dataclass
class ScriptedFolder:
    """An INBOX with `mails` mails. `stubborn`: what comes instead of some mails' bytes, by UID."""

    mails: int
    stubborn: Mapping[int, Step] = field(default_factory=dict)
    no_meta: frozenset[int] = frozenset()

    def answers(self) -> dict[str, Answer | Callable[[str], Step]]:
        """For `scripted_imap`."""
        selected = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK [READ-WRITE] opened\r\n" % self.mails
        return {"SELECT": selected, "UID SEARCH": self._search, "UID FETCH": self._fetch}

    def _uids(self, uid_set: str) -> list[int]:
        last = str(self.mails)
        return [uid for uid in uidset.expand(uid_set.replace("*", last)) if uid <= self.mails]

    def _search(self, command: str) -> Step:
        unseen = command.endswith(" UNSEEN")  # what is marked read stays so
        found = [] if unseen else self._uids(command.split(" UID ")[1].split(" ")[0])
        return b"* SEARCH " + b" ".join(b"%d" % uid for uid in found) + b"\r\n{tag} OK done\r\n"

    def _fetch(self, command: str) -> Step:
        uids = self._uids(command.split(" ")[2])
        if "BODY.PEEK[]" not in command:
            return b"".join(_meta(uid) for uid in uids if uid not in self.no_meta) + b"{tag} OK done\r\n"
        said = b""
        for uid in uids:
            said += self.stubborn.get(uid, _body(uid)).replace(b"{uid}", b"%d" % uid)
            if said.endswith((HANG_UP, SAYS_NO)):
                return said
        return said + b"{tag} OK done\r\n"


def scripted_mailbox(port: int, **settings: object) -> Mailbox:
    """A mailbox on the scripted server."""
    facts: dict[str, object] = {
        "name": "Scripted",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "username": "ann",
        "poll_interval_minutes": 0.005,
    }
    return Mailbox(id="scripted", version=1, settings=MailboxSettings.model_validate({**facts, **settings}))


def _meta(uid: int) -> Step:
    return b"* %d FETCH (UID %d RFC822.SIZE %d FLAGS ())\r\n" % (uid, uid, len(BODY))


def _body(uid: int) -> Step:
    return b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (uid, uid, len(BODY), BODY)
