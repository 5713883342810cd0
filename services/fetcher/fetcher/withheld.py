"""How long the server is asked for a mail that it does not give out although it has it; pure.

Servers keep mails back while they are busy, and some for ever: damaged ones, or calendar items that only look like
mails. Being busy passes; for the others a folder must not stand still. So a mail that was not given out in some rounds
is asked for alone, and after some more it is given up, once it is sure that the server gives out others.

Nothing is kept over a restart: then the patience begins anew. Times are in seconds of any one clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

ROUNDS_TOGETHER = 3  # in one command with other mails
ROUNDS = 5  # the last ones alone
AT_LEAST_S = 600.0  # however many rounds there were: a busy server gets this time
WITHOUT_PROOF_S = 24 * 3600.0  # where the server has given out no other mail since
FORGOTTEN_S = 3600.0  # after the last refusal: who reads the folder anew, asks anew
NEVER = float("-inf")


@dataclass(slots=True)
class _Trouble:
    began: float
    latest: float
    before: float  # the round before the latest one
    rounds: int = 0


class Patience:
    """With the mails of one folder, by UID."""

    def __init__(self) -> None:
        self._troubles: dict[int, _Trouble] = {}
        self._given_at = NEVER

    def alone(self) -> tuple[int, ...]:
        """Those to ask for one at a time, after all others, in this order: one that ends the session stands in
        nobody's way.
        """
        troubles = sorted((trouble.rounds, uid) for uid, trouble in self._troubles.items())
        return tuple(uid for rounds, uid in troubles if rounds >= ROUNDS_TOGETHER)

    def given_up(self, now: float) -> frozenset[int]:
        """Those to ask for no more."""
        self._troubles = {uid: it for uid, it in self._troubles.items() if now - it.latest < FORGOTTEN_S}
        return frozenset(uid for uid, trouble in self._troubles.items() if self._is_over(trouble, now))

    def given(self, uids: Iterable[int], now: float) -> None:
        """The server has given these out."""
        for uid in uids:
            self._given_at = now
            self._troubles.pop(uid, None)

    def withheld(self, uids: Iterable[int], now: float) -> None:
        """The server did not give these out, in one more round."""
        for uid in uids:
            trouble = self._troubles.setdefault(uid, _Trouble(now, now, now))
            trouble.rounds += 1
            trouble.before = trouble.latest
            trouble.latest = now

    def _is_over(self, trouble: _Trouble, now: float) -> bool:
        waited = now - trouble.began
        if trouble.rounds < ROUNDS or waited < AT_LEAST_S:
            return False
        return self._given_at >= trouble.before or waited >= WITHOUT_PROOF_S


@dataclass(frozen=True, slots=True)
class FolderPatience:
    """With one folder: what is told of its mails, and their bytes, are given out each by itself."""

    metas: Patience = field(default_factory=Patience)
    bodies: Patience = field(default_factory=Patience)
