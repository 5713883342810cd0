"""A mailbox on the scripted server that keeps real state, with switches for what odd mail servers do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fetcher.imap.grammar import uidset
from tests.support.scripted_imap import Answer, Step

BODY = b"From: a@b.example\r\nMessage-ID: <%d@b.example>\r\nSubject: report\r\n\r\nwords\r\n"
OK = b"{tag} OK done\r\n"
Told = Step | Sequence[Step]


@dataclass
class OddFolder:
    """`mails` by UID."""

    uidvalidity: int
    uidnext: int = 1
    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    date: bytes = b"17-Jul-2026 02:44:25 +0000"

    def deliver(self, *bodies: bytes) -> None:
        for body in bodies:
            self.mails[self.uidnext] = body
            self.uidnext += 1


@dataclass
class OddMailbox:
    """`refusals`: what is answered to a command instead, each once; the last one of a list stays when it is repeated.

    `ignores_case`, `second_prefix`: other names of the same folder. `restless`: a new UIDVALIDITY at every SELECT.
    `moves_nothing`, `copies_nothing`, `expunges_nothing`: so many are answered OK and do nothing. `moves_by_copy`: MOVE
    leaves the mail. `keeps_flags`: the others are dropped. `said_size`: what is said of every mail. `hides_counts`:
    STATUS is refused. `refused_uids`: mails that are neither moved nor marked. `hangs_up_at`: when this mail's bytes
    are asked for. `empty_search`: the answer to a SEARCH in an empty folder. `said_uidnext`: what is said of every
    folder.
    """

    folders: dict[str, OddFolder] = field(default_factory=lambda: {"INBOX": OddFolder(7)})
    refusals: dict[str, list[Told]] = field(default_factory=dict)
    ignores_case: bool = False
    second_prefix: str = ""
    restless: bool = False
    moves_nothing: int = 0
    moves_by_copy: bool = False
    copies_nothing: int = 0
    expunges_nothing: int = 0
    keeps_flags: frozenset[str] = frozenset({"\\Deleted", "$DmarqMoving"})
    said_size: int = 0
    hides_counts: bool = False
    refused_uids: frozenset[int] = frozenset()
    empty_search: Step = b"{tag} NO no such message\r\n"
    hangs_up_at: int = 0
    said_uidnext: int = 0
    selected: str = "INBOX"
    moved: int = 0
    copied: int = 0

    def answers(self) -> Mapping[str, Answer]:
        """For `scripted_imap`."""
        told: dict[str, Callable[[str], Told]] = {
            "SELECT": self._select,
            "STATUS": self._status,
            "CREATE": self._create,
            "LIST": self._list,
            "IDLE": lambda _: [b"+ idling\r\n", OK],
            "UID SEARCH": self._search,
            "UID FETCH": self._fetch,
            "UID STORE": self._store,
            "UID MOVE": self._move,
            "UID COPY": self._copy,
            "UID EXPUNGE": self._expunge,
        }
        return {name: self._unless_refused(name, answer) for name, answer in told.items()}

    def refuse(self, command: str, answer: Told, *, times: int) -> None:
        """This is answered the next times."""
        self.refusals[command] = [answer] * times

    def _unless_refused(self, name: str, answer: Callable[[str], Told]) -> Callable[[str], Told]:
        def told(command: str) -> Told:
            waiting = self.refusals.get(name)
            return waiting.pop() if waiting else answer(command)

        return told

    def _real(self, name: str) -> str | None:
        wanted = name.strip('"')
        if self.second_prefix and wanted.startswith(self.second_prefix):
            wanted = wanted.removeprefix(self.second_prefix)
        if self.ignores_case:
            return next((real for real in self.folders if real.casefold() == wanted.casefold()), None)
        return wanted if wanted in self.folders else None

    def _select(self, command: str) -> Told:
        real = self._real(command.partition(" ")[2])
        if real is None:
            return b"{tag} NO [NONEXISTENT] no such folder\r\n"
        self.selected, folder = real, self.folders[real]
        folder.uidvalidity += self.restless
        said = (len(folder.mails), folder.uidvalidity, self.said_uidnext or folder.uidnext)
        return b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] ok\r\n* OK [UIDNEXT %d] ok\r\n{tag} OK [READ-WRITE] ok\r\n" % said

    def _status(self, command: str) -> Told:
        name = command.split(" ")[1]
        real = self._real(name)
        if self.hides_counts or real is None:
            return b"{tag} NO not told\r\n" if self.hides_counts else b"{tag} NO [NONEXISTENT] no such folder\r\n"
        folder = self.folders[real]
        said = (name.encode(), len(folder.mails), folder.uidvalidity, self.said_uidnext or folder.uidnext)
        return b"* STATUS %b (MESSAGES %d UNSEEN 0 UIDVALIDITY %d UIDNEXT %d)\r\n" % said + OK

    def _create(self, command: str) -> Told:
        self.folders.setdefault(command.partition(" ")[2].strip('"'), OddFolder(100 + len(self.folders)))
        return OK

    def _list(self, _: str) -> Told:
        return b"".join(b'* LIST () "." "%b"\r\n' % name.encode() for name in self.folders) + OK

    def _search(self, command: str) -> Told:
        folder = self.folders[self.selected]
        if not folder.mails:
            return self.empty_search
        if " HEADER MESSAGE-ID " in command:
            wanted = command.rpartition(" ")[2].strip('"').encode()
            same = [uid for uid, body in folder.mails.items() if b"<%b>" % wanted in body]
            return b"* SEARCH" + b"".join(b" %d" % uid for uid in same) + b"\r\n" + OK
        last = max(folder.mails)
        asked = uidset.expand(command.split(" UID ")[1].split(" ")[0].replace("*", str(last)))
        found = [] if command.endswith(" UNSEEN") else sorted(set(folder.mails).intersection(asked))
        if command.endswith(" DELETED"):
            found = [uid for uid in found if folder.flags.get(uid)]
        return b"* SEARCH" + b"".join(b" %d" % uid for uid in found) + b"\r\n" + OK

    def _fetch(self, command: str) -> Told:
        folder = self.folders[self.selected]
        uids = [uid for uid in uidset.expand(command.split(" ")[2]) if uid in folder.mails]
        if "BODY.PEEK[]" not in command:
            return b"".join(self._meta(uid, folder, "MESSAGE-ID" in command) for uid in uids) + OK
        start, _, most = command.partition("<")[2].partition(">")[0].partition(".")
        if self.hangs_up_at in uids:
            return b"(hang up)"
        said = b""
        for uid in uids:
            part = folder.mails[uid][int(start) : int(start) + int(most)]
            said += b"* 1 FETCH (UID %d BODY[]<%b> {%d}\r\n%b)\r\n" % (uid, start.encode(), len(part), part)
        return said + OK

    def _meta(self, uid: int, folder: OddFolder, with_id: bool) -> bytes:
        body = folder.mails[uid]
        said = (uid, self.said_size or len(body), b'INTERNALDATE "%b"' % folder.date)
        named = next((line for line in body.splitlines(keepends=True) if line.startswith(b"Message-ID")), b"") + b"\r\n"
        fields = b" BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {%d}\r\n%b" % (len(named), named) if with_id else b""
        return b"* 1 FETCH (UID %d RFC822.SIZE %d %b FLAGS ()%b)\r\n" % (*said, fields)

    def _store(self, command: str) -> Told:
        uids = uidset.expand(command.split(" ")[2])
        if self.refused_uids.intersection(uids):
            return b"{tag} NO not this one\r\n"
        flag = command.rpartition("(")[2].rstrip(")")
        for uid in uids if flag in self.keeps_flags else ():
            self.folders[self.selected].flags.setdefault(uid, set()).add(flag)
        return OK

    def _move(self, command: str) -> Told:
        uids = uidset.expand(command.split(" ")[2])
        if self.refused_uids.intersection(uids):
            return b"{tag} NO System Error\r\n"
        real = self._real(command.split(" ", 3)[3])
        if real is None:
            return b"{tag} NO [TRYCREATE] no such folder\r\n"
        if self.moves_nothing:
            self.moves_nothing -= 1
            return OK
        source = self.folders[self.selected]
        for uid in uids:
            if uid in source.mails:
                self.folders[real].deliver(source.mails[uid] if self.moves_by_copy else source.mails.pop(uid))
                self.moved += 1
        return OK

    def _copy(self, command: str) -> Told:
        real = self._real(command.split(" ", 3)[3])
        if real is None:
            return b"{tag} NO [TRYCREATE] no such folder\r\n"
        self.copied += 1
        if self.copies_nothing:
            self.copies_nothing -= 1
            return OK
        source = self.folders[self.selected].mails
        self.folders[real].deliver(*[source[uid] for uid in uidset.expand(command.split(" ")[2]) if uid in source])
        return OK

    def _expunge(self, command: str) -> Told:
        if self.expunges_nothing:
            self.expunges_nothing -= 1
            return OK
        folder = self.folders[self.selected]
        for uid in uidset.expand(command.split(" ")[2]):
            if "\\Deleted" in folder.flags.get(uid, ()):
                folder.mails.pop(uid, None)
        return OK
