"""The fingerprint of a report's content: the same report sent twice has one, a correction has another."""

from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from pipeline.report import Record


class Fingerprint:
    """A running SHA-256 over canonical values, not bytes.

    White space, prefixes, compression and the order of elements are gone by the time values come here.
    """

    def __init__(self) -> None:
        self._hash = sha256()

    def add_row(self, row: Record) -> None:
        """Take in the next row; as plain tuples, which are encoded much faster than named ones.

        That a word was missing (its raw text is empty) makes no other content than the word that was filled in.
        """
        _, _, _, _, _, reasons, header_from, envelope_from, envelope_to, dkim, spf, raw = row
        raw = {path: text for path, text in raw.items() if text} or None if raw else None
        results = (tuple(map(tuple, reasons)), tuple(map(tuple, dkim)), tuple(map(tuple, spf)))
        self._hash.update(to_json((row[:5], header_from, envelope_from, envelope_to, results, raw)))

    def add(self, *values: Any) -> None:
        """Take in other values: anything that has a JSON form, pydantic models included."""
        self._hash.update(to_json(values))

    def hexdigest(self) -> str:
        """64 lower-case hexadecimal digits."""
        return self._hash.hexdigest()
