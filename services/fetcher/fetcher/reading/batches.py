"""A folder's emails in stretches to look at, and in batches to publish; pure."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from fetcher.imap.grammar.fetch_answer import Meta
from pipeline.contracts.cursor import Landmark
from pipeline.contracts.limits import MiB
from pipeline.contracts.reasons import Reason

BATCH_MAILS = 50
BATCH_BYTES = 2 * MiB


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the folder: the UIDs to look at, how many the server passed over, and where it ends."""

    uids: tuple[int, ...]
    passed_over: int
    up_to_uid: int


@dataclass(frozen=True, slots=True)
class Download:
    """An email with its bytes, or without them and with the reason why it was not downloaded."""

    meta: Meta
    body: bytes | None = None
    refused: Reason | None = None
    subject: str = ""
    sender: str = ""


@dataclass(slots=True)
class Batch:
    """Mails to publish together. When they are confirmed, every email up to `up_to_uid` is dealt with.

    `held`: emails that must be asked for, or asked for again; the cursor stays below them.
    """

    up_to_uid: int = 0
    filtered: int = 0
    size: int = 0  # bytes that were downloaded
    downloads: list[Download] = field(default_factory=list)
    held: frozenset[int] = frozenset()

    def add(self, download: Download) -> None:
        """One more mail. Mails that were refused do not move the cursor: their turn came early."""
        self.downloads.append(download)
        self.size += len(download.body or b"")
        if download.refused is None:
            self.reach(download.meta.uid)

    def hold(self, uid: int) -> None:
        """This mail was not given out."""
        self.held |= {uid}

    def release(self, uid: int) -> None:
        """This mail was given out after all."""
        self.held -= {uid}

    def reach(self, uid: int) -> None:
        """Every email up to this one is dealt with, but for the one that is asked for again and those behind it."""
        self.up_to_uid = min((uid, *(held - 1 for held in self.held)))

    @property
    def landmark(self) -> Landmark | None:
        """The latest email of those that are dealt with, if the server told when it was received."""
        dated = ((it.meta.uid, it.meta.internal_date) for it in self.downloads if it.meta.uid <= self.up_to_uid)
        return max(
            (Landmark(uid=uid, received_at=at) for uid, at in dated if at is not None),
            key=lambda it: it.uid,
            default=None,
        )

    @property
    def full(self) -> bool:
        """Whether it is large enough to be published."""
        return len(self.downloads) >= BATCH_MAILS or self.size >= BATCH_BYTES


def stretches(new: Sequence[int], wanted: Collection[int], *, mails: Callable[[], int]) -> Iterator[Stretch]:
    """The new UIDs (rising) in stretches with at most `mails()` `wanted` ones; every new UID is in exactly one."""
    uids: list[int] = []
    passed_over = 0
    most = mails()
    for uid in new:
        if uid in wanted:
            uids.append(uid)
        else:
            passed_over += 1
        if len(uids) >= most:
            yield Stretch(tuple(uids), passed_over, uid)
            uids, passed_over = [], 0
            most = mails()
    if uids or passed_over:
        yield Stretch(tuple(uids), passed_over, new[-1])
