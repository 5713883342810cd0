"""Folders: as the server lists them (RFC 3501 section 7.2.2), and by the names that people write.

Servers write names in ways that no grammar allows: unquoted with blanks or brackets in them, with quotes that are not
escaped, as raw UTF-8. So each LIST line is read by itself, and what people read is beside what the server wrote, which
is sent back to it unchanged. Servers differ in the level separator ("/" or ".") too, and some keep everything below
"INBOX."; a name that exists as written is never changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fetcher.imap.grammar.arguments import from_modified_utf7
from fetcher.imap.grammar.tokens import Answer, quoted, text_of, tokens, unescaped

MAX_NAME_BYTES = 1000
MAX_ATTRIBUTES = 20


@dataclass(frozen=True, slots=True)
class Folder:
    """`name` as people read it, `wire` as the server wrote it (b"" where no server did).

    `attributes` are in lower case, such as "\\trash" (RFC 6154).
    """

    name: str
    delimiter: str | None
    attributes: frozenset[str] = frozenset()
    wire: bytes = field(default=b"", compare=False)

    @property
    def selectable(self) -> bool:
        """Whether it can hold mail."""
        return self.attributes.isdisjoint(("\\noselect", "\\nonexistent"))


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where the account's own folders are: their prefix ("INBOX.", often "") and the level separator."""

    prefix: str
    delimiter: str | None


def folders(answers: Iterable[Answer]) -> tuple[Folder, ...]:
    """One folder for each `* LIST (\\HasNoChildren) "/" "Gel&APY-schte"`; lines that cannot be read are left out."""
    return tuple(folder for answer in answers if (folder := _folder(answer)) is not None)


def namespace(answers: Iterable[Answer]) -> Namespace | None:
    """The first personal namespace: `* NAMESPACE (("INBOX." ".")) NIL NIL`."""
    for answer in answers:
        match tokens(answer):
            case [_, [[(bytes() | str()) as prefix, (bytes() | str() | None) as delimiter, *_], *_], *_]:
                return Namespace(from_modified_utf7(text_of(prefix)), text_of(delimiter) if delimiter else None)
    return None


def existing(wanted: str, folders: Iterable[Folder], own: Namespace | None) -> str | None:
    """The folder that `wanted` means, by its real name; None when there is none that can hold mail."""
    there = [folder.name for folder in folders if folder.selectable]
    for candidate in (wanted, _below_prefix(wanted, own), _with_separator(wanted, own)):
        if candidate in there:
            return candidate
    alike = (name for name in there if same(name, wanted) or name.strip() == wanted.strip())
    return next(alike, None)


def same(one: str, other: str) -> bool:
    """Whether two names are the same folder; INBOX alone is written in any case (RFC 3501 section 5.1)."""
    return one == other or one.upper() == other.upper() == "INBOX"


def to_create(wanted: str, own: Namespace | None) -> str:
    """The name under which a missing folder is created."""
    return _below_prefix(wanted, own)


def guessed(folders: Iterable[Folder]) -> Namespace | None:
    """Where a server without NAMESPACE keeps the account's folders, by what LIST told; None where it told nothing."""
    listed = list(folders)
    delimiter = next((folder.delimiter for folder in listed if folder.delimiter), None)
    if delimiter is None:
        return None
    others = [folder.name for folder in listed if folder.name.upper() != "INBOX"]
    prefix = f"INBOX{delimiter}"
    below = bool(others) and all(name.startswith(prefix) for name in others)
    return Namespace(prefix if below else "", delimiter)


def _folder(answer: Answer) -> Folder | None:
    line = answer[0]
    opened, closed = line.find(b"("), line.find(b")")
    if opened < 0 or closed < opened:
        return None
    delimiter, rest = _delimiter(line[closed + 1 :].lstrip())
    wire = answer[1] if len(answer) > 1 else _name(rest.strip())
    if not 0 < len(wire) <= MAX_NAME_BYTES:
        return None
    attributes = line[opened + 1 : closed].decode("ascii", "replace").lower().split(maxsplit=MAX_ATTRIBUTES)
    return Folder(
        name=from_modified_utf7(wire.decode("utf-8", "replace")),
        delimiter=delimiter,
        attributes=frozenset(attributes[:MAX_ATTRIBUTES]),
        wire=wire,
    )


def _delimiter(text: bytes) -> tuple[str | None, bytes]:
    """The level separator, and what follows it."""
    if text.startswith(b'"'):
        try:
            inside, end = quoted(text, 0)
        except ValueError:
            return None, b""
        return inside.decode("utf-8", "replace")[:1] or None, text[end:]
    word, _, rest = text.partition(b" ")
    return (None if word.upper() == b"NIL" else word.decode("utf-8", "replace")[:1] or None), rest


def _name(text: bytes) -> bytes:
    """The name on the rest of the line; b"" for none."""
    if not text.startswith(b'"'):
        return b"" if text.upper() == b"NIL" else text.partition(b' ("')[0] if text.endswith(b"))") else text
    try:
        inside, end = quoted(text, 0)
    except ValueError:
        return unescaped(text[1:].removesuffix(b'"'))
    behind = text[end:].strip()
    if not behind or behind.startswith(b"("):  # RFC 5258 section 6: what LIST-EXTENDED adds
        return inside
    return unescaped(text[1 : text.rfind(b'"')])  # a quote inside that is not escaped


def _with_separator(name: str, own: Namespace | None) -> str:
    if own is None or own.delimiter in (None, "", "/"):
        return name
    return name.replace("/", str(own.delimiter))


def _below_prefix(name: str, own: Namespace | None) -> str:
    separated = _with_separator(name, own)
    if own is None or separated.upper() == "INBOX" or separated.startswith(own.prefix):
        return separated
    return own.prefix + separated
