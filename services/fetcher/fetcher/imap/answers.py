"""The answers to LIST, NAMESPACE, STATUS, SELECT and SEARCH, as typed values. Each raises ValueError for nonsense."""

from collections.abc import Iterable
from dataclasses import dataclass

from fetcher.imap import mutf7, uidset
from fetcher.imap.status import parse_status
from fetcher.imap.tokens import Token, text_of, tokens
from fetcher.imap.wire import Answer


@dataclass(frozen=True, slots=True)
class Folder:
    """`name` as people read it; `attributes` in lower case, such as "\\trash" (RFC 6154)."""

    name: str
    delimiter: str | None
    attributes: frozenset[str] = frozenset()

    @property
    def selectable(self) -> bool:
        """Whether it can hold mail."""
        return self.attributes.isdisjoint(("\\noselect", "\\nonexistent"))


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where the account's own folders are: their prefix ("INBOX.", often "") and the level separator."""

    prefix: str
    delimiter: str | None


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """What STATUS tells; no mail is touched, not even `\\Recent`."""

    mails: int
    unread: int
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class Selected:
    """An open folder: its real name, and its state when it was opened. `uidnext` is None where the server is silent."""

    name: str
    uidvalidity: int
    uidnext: int | None
    mails: int
    read_only: bool


def folders(answers: Iterable[Answer]) -> tuple[Folder, ...]:
    """One folder for each `* LIST (\\HasNoChildren) "/" "Gel&APY-schte"`."""
    return tuple(_folder(answer) for answer in answers)


def namespace(answers: Iterable[Answer]) -> Namespace | None:
    """The first personal namespace: `* NAMESPACE (("INBOX." ".")) NIL NIL`."""
    for answer in answers:
        match tokens(answer):
            case [_, [[(bytes() | str()) as prefix, (bytes() | str() | None) as delimiter, *_], *_], *_]:
                return Namespace(mutf7.decode(text_of(prefix)), text_of(delimiter) if delimiter else None)
    return None


def folder_status(answers: Iterable[Answer]) -> FolderStatus:
    """`* STATUS "INBOX" (MESSAGES 17 UNSEEN 2 UIDVALIDITY 1 UIDNEXT 18)`."""
    for answer in answers:
        match tokens(answer):
            case [_, _, list() as flat]:
                said = {text_of(name).upper(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
                numbers = (_number(said.get(name)) for name in ("MESSAGES", "UNSEEN", "UIDVALIDITY", "UIDNEXT"))
                return FolderStatus(*numbers)
    raise ValueError("no STATUS answer")


def selected(name: str, answers: Iterable[Answer], *, read_only: bool) -> Selected:
    """What a SELECT told in its untagged answers."""
    codes: dict[str, str] = {}
    mails = 0
    for answer in answers:
        head, _, rest = answer[0][2:].partition(b" ")
        if head.isdigit() and rest.upper() == b"EXISTS":
            mails = int(head)
        elif head.upper() == b"OK":
            status = parse_status(answer[0][2:])
            codes[status.code] = status.details
    if "UIDVALIDITY" not in codes:
        raise ValueError("the server does not tell UIDVALIDITY, without which mails cannot be told apart")
    uidnext = codes.get("UIDNEXT")
    return Selected(name, int(codes["UIDVALIDITY"]), int(uidnext) if uidnext else None, mails, read_only)


def found_uids(answers: Iterable[Answer]) -> list[int]:
    """The UIDs of `* SEARCH 1 5 6` or `* ESEARCH (TAG "A1") UID ALL 1,5:6` (RFC 4731), in rising order, each once."""
    uids: set[int] = set()
    for answer in answers:
        word, _, rest = answer[0][2:].partition(b" ")
        if word.upper() == b"SEARCH":
            uids.update(int(uid) for uid in rest.split() if uid.isdigit())
        elif word.upper() == b"ESEARCH":
            uids.update(_all_of(tokens(answer)))
    return sorted(uids)


def _folder(answer: Answer) -> Folder:
    match tokens(answer):
        case [_, list(attributes), (bytes() | str() | None) as delimiter, (bytes() | str()) as name, *_]:
            return Folder(
                name=mutf7.decode(text_of(name)),
                delimiter=text_of(delimiter) if delimiter else None,
                attributes=frozenset(text_of(attribute).lower() for attribute in attributes),
            )
        case _:
            raise ValueError("no LIST answer")


def _all_of(words: list[Token]) -> list[int]:
    names = [word.upper() if isinstance(word, str) else "" for word in words]
    return uidset.expand(text_of(words[names.index("ALL") + 1])) if "ALL" in names[:-1] else []


def _number(token: Token) -> int:
    if not isinstance(token, str) or not token.isdecimal():
        raise ValueError("a number was expected")
    return int(token)
