"""How hard a secret is to guess, estimated from its text alone; pure."""

import re
from itertools import pairwise
from math import log2

WANTED_BITS = 256  # 32 random bytes
PIECE = 8  # characters; a random text as long as a key does not repeat a piece of this length
WORD_BITS_PER_CHARACTER = 2.0  # English text has 1 to 1.5 (Shannon 1951)
MOSTLY = 0.6  # a random text has a few short runs, too
ALPHABETS = (("0-9", 10), ("0-9a-f", 16), ("0-9A-F", 16), ("0-9a-z", 36), ("0-9A-Z", 36), ("0-9A-Za-z", 62))
ANY = 64  # base64; what is typed by hand gets no credit for rarer characters


def entropy_bits(text: str) -> float:
    """At most so many bits: what repeats itself counts once, what looks like words counts as words.

    >>> entropy_bits("a" * 64) < 32
    True
    """
    bare = _without_runs(text)
    text = bare if len(bare) < len(text) * MOSTLY else text
    pieces = {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}
    length = min(len(text), len(pieces) + PIECE - 1)
    return length * (WORD_BITS_PER_CHARACTER if _is_words(text) else log2(_alphabet(text)))


def _without_runs(text: str) -> str:
    """The text without what follows from the two characters before: "abcdef", "8642", "aaaa"."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    follows = [False, False, *(step == before for before, step in pairwise(steps))]
    return "".join(character for character, known in zip(text, follows, strict=False) if not known)


def _alphabet(text: str) -> int:
    return next((size for characters, size in ALPHABETS if re.fullmatch(f"[{characters}]*", text)), ANY)


def _is_words(text: str) -> bool:
    """Letters without a digit, few of them capitals: a random text of the length of a key is never like that."""
    capitals = sum(c.isupper() for c in text)
    return not any(c.isdigit() for c in text) and (capitals < len(text) / 5 or text.isupper())
