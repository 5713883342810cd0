"""Where the parts of a multipart begin and end (RFC 2046 section 5.1)."""

from collections.abc import Iterator
from typing import Final

MAX_BOUNDARY: Final = 200  # bytes; the RFC says 70
MAX_FALSE_DELIMITERS: Final = 1000  # lines that begin like a delimiter and are none; more of them are an attack


def spans(raw: bytes, boundary: bytes, *, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of what stands between the delimiter lines in raw[start:end]; the last one may be missing."""
    if not boundary:
        return
    delimiter = b"--" + boundary[:MAX_BOUNDARY]
    opened = -1
    misses = 0
    at = raw.find(delimiter, start, end)
    while at >= 0:
        after = at + len(delimiter)
        line_end = raw.find(b"\n", after, end)
        line_end = line_end if line_end >= 0 else end
        rest = raw[after : min(line_end, after + 80)].strip()
        if rest in (b"", b"--") and (at == start or raw[at - 1] in b"\r\n"):
            if opened >= 0:
                yield opened, _before_line_end(raw, opened, at)
            opened = line_end + 1 if rest == b"" else -1
        elif (misses := misses + 1) > MAX_FALSE_DELIMITERS:
            break
        at = raw.find(delimiter, after, end)
    if 0 <= opened < end:
        yield opened, end


def _before_line_end(raw: bytes, start: int, end: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if end - 1 >= start and raw[end - 1] == 0x0A:
        end -= 1
    if end - 1 >= start and raw[end - 1] == 0x0D:
        end -= 1
    return end
