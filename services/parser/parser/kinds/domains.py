"""Domain names, as senders write them: the name itself, or what a named repair takes off from round it.

A name is what DNS and mail use: labels of letters, digits, "_" and inner "-", 63 characters each and 253 in all, the
last of them no number (RFC 1035 section 2.3.1, RFC 3696 section 2); an international one is given in its ASCII form
(IDNA, UTS 46). Lower case and the dot at the end do not make another name, so changing them is no repair.
"""

import re
from functools import lru_cache
from typing import Final

import idna

from parser.kinds.notes import Notes
from parser.kinds.values import has_forbidden, plain, without_comments
from pipeline.contracts.repairs import Repair

MAX_LENGTH: Final = 253
MAX_LOOKED_AT: Final = 1000  # characters of a value in which a name is looked for
KEPT: Final = 2000  # names
MAX_LAYERS: Final = 5  # of decoration round a name

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?:{_LABEL}\.){{0,126}}(?![0-9]+\Z){_LABEL}")
# As most names are, which saves looking closer; a "-" may still stand at a label's end.
_ORDINARY: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}(?:\.[a-z0-9_][a-z0-9_-]{0,62}){0,6}\.[a-z]{2,30}")
_PLACEHOLDERS: Final = frozenset({"null", "none", "nil", "undefined", "unknown", "nan"})  # what programs write for none
_URL: Final = re.compile(r"(?:https?://|ftp://|dns://|mailto:|dns:)([^/?#]*)", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"([^<>]*)<([^<>]*)>([^<>]*)")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")
_ROUND: Final = " \t\"'`<>[]{};,/"


def read_domain(text: str) -> tuple[str | None, Repair | None]:
    """The domain name that the text is, canonical, and the repair that it took; None where it is no such name.

    An empty text is None without a repair: whether a name must be there, others know.
    """
    return _known(text) if len(text) <= MAX_LENGTH else _read(text)


@lru_cache(maxsize=KEPT)
def _known(text: str) -> tuple[str | None, Repair | None]:
    """Kept, for the same names come in report after report."""
    return _read(text)


def _read(text: str) -> tuple[str | None, Repair | None]:
    if _ORDINARY.fullmatch(text) and "-." not in text and len(text) <= MAX_LENGTH:
        return text, None
    value = plain(text)
    if not value.strip("."):
        return None, None
    repair = None
    name = _name(value)
    if name is None:
        name, repair = _name(_undecorated(value[:MAX_LOOKED_AT])), Repair.DOMAIN_FORM
    return (None, Repair.UNREADABLE_DOMAIN) if name is None or name in _PLACEHOLDERS else (name, repair)


def _name(value: str) -> str | None:
    """The canonical name, or None where the value is none."""
    name = value if value.isascii() else _ascii(value)
    name = name.lower().removesuffix(".")
    return name if len(name) <= MAX_LENGTH and _NAME.fullmatch(name) else None


def _ascii(value: str) -> str:
    """Label by label, for IDNA knows no underscore; "" where a label cannot be."""
    if len(value) > MAX_LENGTH:
        return ""
    try:
        labels = idna.uts46_remap(value, std3_rules=False).split(".")
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels)
    except (idna.IDNAError, UnicodeError):
        return ""


def _undecorated(value: str) -> str:
    """What is left without comments, brackets, quotes, separators, a local part, a scheme, a path and a port."""
    bare = without_comments(value)
    for _ in range(MAX_LAYERS):
        before = bare
        bare = _without_layer(bare)
        if bare == before:
            break
    return bare


def _without_layer(value: str) -> str:
    value = value.strip(_ROUND) if "<" not in value.strip(_ROUND) else value
    bracketed = _BRACKETED.fullmatch(value)
    if bracketed is not None and ("@" in bracketed[2] or not (bracketed[1] + bracketed[3]).strip(_ROUND)):
        return bracketed[2]
    url = _URL.match(value)
    if url is not None:
        return url[1]
    if value.count("@") == 1:
        return value.partition("@")[2]
    return _PORT.sub("", value).rstrip(".")


def noted_domain(raw: str, notes: Notes, *, where: str) -> str | None:
    """A domain name, canonical; None where the text is none. What was taken off is noted."""
    name, repair = read_domain(raw)
    if name is not None and name is not raw and has_forbidden(raw):
        notes.add(Repair.CONTROL_CHARACTERS)
    if repair is not None:
        notes.change(repair, where=where, sent=raw, given=name)
    return name
