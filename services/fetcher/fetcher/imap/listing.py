"""LIST answers, each line by itself (RFC 3501 section 7.2.2): servers write names in ways that no grammar allows.

A name may be unquoted with blanks or brackets in it, hold quotes that are not escaped, or be raw UTF-8. What people
read is beside what the server wrote, which is sent back to it unchanged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fetcher.imap import mutf7
from fetcher.imap.tokens import quoted, unescaped
from fetcher.imap.wire import Answer

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


def folders(answers: Iterable[Answer]) -> tuple[Folder, ...]:
    """One folder for each `* LIST (\\HasNoChildren) "/" "Gel&APY-schte"`; lines that cannot be read are left out."""
    return tuple(folder for answer in answers if (folder := _folder(answer)) is not None)


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
        name=mutf7.decode(wire.decode("utf-8", "replace")),
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
