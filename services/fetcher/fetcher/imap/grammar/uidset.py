"""UIDs and UID sets such as "1:5,7" (RFC 3501 section 9, `sequence-set`)."""

from array import array
from collections.abc import Iterable, Iterator

# RFC 2683 section 3.2.1.5: a server should accept command lines of 8,000 octets; the folder name needs room too.
MAX_SET_CHARACTERS = 6000
MAX_UIDS = 500_000  # of one answer; as a list they take 20 MB
MAX_DIGITS = 10  # they have 32 bits
PIECE_BYTES = 64_000


def compress(uids: Iterable[int]) -> str:
    """The shortest set that holds exactly these UIDs, in rising order; "" for none."""
    return ",".join(_runs(uids))


def chunks(uids: Iterable[int], *, max_uids: int) -> Iterator[str]:
    """Sets that together hold exactly these UIDs, each short enough for one command line."""
    ordered = sorted(set(uids))
    for start in range(0, len(ordered), max_uids):
        yield from _short(_runs(ordered[start : start + max_uids]))


def expand(uid_set: str) -> list[int]:
    """The UIDs of a set as a server sends it. Raises ValueError for nonsense and for more than MAX_UIDS of them."""
    uids = array("Q")
    line = uid_set.encode("ascii", "replace")
    add_set(uids, line, 0, len(line))
    return list(uids)


def add_set(uids: "array[int]", line: bytes, start: int, end: int) -> None:
    """Adds the UIDs of the set that stands at a place of a line. Raises ValueError as `expand` does."""
    for piece in pieces(line, b",", start=start, end=end):
        for part in filter(None, piece.split(b",")):
            first, _, last = part.partition(b":")
            low, high = sorted((_uid(first), _uid(last or first)))
            if len(uids) + high - low >= MAX_UIDS:
                raise ValueError(f"more than {MAX_UIDS} UIDs in one answer")
            uids.extend(range(low, high + 1))


def pieces(line: bytes, separator: bytes, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """A long line in pieces that end at separators, so that its words never are in memory all at once."""
    end = len(line) if end is None else end
    while start < end:
        found = line.find(separator, start + PIECE_BYTES, end)
        stop = found if found >= 0 else end
        yield line[start:stop]
        start = stop + 1


def _uid(digits: bytes) -> int:
    if len(digits) > MAX_DIGITS or not digits.isdigit():
        raise ValueError("no UID")
    return int(digits)


def _runs(uids: Iterable[int]) -> Iterator[str]:
    first = last = None
    for uid in sorted(set(uids)):
        if last is not None and uid == last + 1:
            last = uid
            continue
        if first is not None:
            yield _run(first, last)
        first = last = uid
    if first is not None:
        yield _run(first, last)


def _run(first: int, last: int | None) -> str:
    return str(first) if first == last else f"{first}:{last}"


def _short(runs: Iterable[str]) -> Iterator[str]:
    taken: list[str] = []
    length = 0
    for run in runs:
        if taken and length + len(run) + 1 > MAX_SET_CHARACTERS:
            yield ",".join(taken)
            taken, length = [], 0
        taken.append(run)
        length += len(run) + 1
    if taken:
        yield ",".join(taken)
