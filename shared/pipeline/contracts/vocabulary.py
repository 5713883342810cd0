"""Closed vocabularies: words that programs compare, each with the text that a person is told."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word of a vocabulary; `text` is what it means, in a clause for an operator."""

    text: str

    def __new__(cls, word: str, text: str = "") -> Self:
        """A member from its word and its text."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.text = text
        return member
