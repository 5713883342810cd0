"""JSON values one after another, out of a file of any size: a list, lines, or lists under the names of kinds.

One value is in memory at a time, up to a bound; what is no JSON is refused, and ends the reading.
"""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from dmarq.foreign.document import NotRebuilt

MAX_VALUE: Final = 64 * 1024 * 1024  # characters
PIECE: Final = 64 * 1024
_BETWEEN: Final = re.compile(r'(?:[\s,\[\]}]|\{\s*(?="\w{1,40}_reports"\s*:\s*\[)|"\w{1,40}_reports"\s*:\s*(?=\[))*')
_MARGIN: Final = 100  # characters that tell what stands between values


def values(file: BinaryIO) -> Iterator[Any]:
    """Each value. Raises NotRebuilt where a value is no JSON, or larger than it may be."""
    text = _Text(file)
    while text.skip_between():
        yield text.value()


class _Text:
    """The part of the file's text that was read and not used yet."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = getincrementaldecoder("utf-8-sig")(errors="replace")
        self._held = ""
        self._at = 0
        self._json = json.JSONDecoder()
        self._is_whole = False

    def skip_between(self) -> bool:
        """Goes to the next value; False where there is none."""
        while True:
            if len(self._held) - self._at < _MARGIN:
                self._read(PIECE)
            found = _BETWEEN.match(self._held, self._at)
            end = found.end() if found else self._at
            moved, self._at = end > self._at, end
            if self._is_whole or not moved:
                return self._at < len(self._held)

    def value(self) -> Any:
        """The value that begins here."""
        while True:
            try:
                value, self._at = self._json.raw_decode(self._held, self._at)
            except RecursionError:
                raise NotRebuilt("nested too deeply") from None
            except ValueError:
                size = len(self._held) - self._at
                if self._is_whole:
                    raise NotRebuilt("no JSON, or cut off") from None
                if size >= MAX_VALUE:
                    raise NotRebuilt(f"one entry is larger than {MAX_VALUE:,} characters, or is no JSON") from None
                self._read(max(PIECE, size))  # twice as much each time, so that a large value is tried a few times
            else:
                return value

    def _read(self, size: int) -> None:
        piece = self._file.read(size)
        self._is_whole = not piece
        self._held = self._held[self._at :] + self._decoder.decode(piece, final=self._is_whole)
        self._at = 0
