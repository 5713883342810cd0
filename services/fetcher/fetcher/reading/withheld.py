"""How long the server is asked for an email that it does not give out although it has it; pure.

Servers keep emails back while they are busy, and some for ever: damaged ones, or calendar items that only look like
emails. Being busy passes; for the others a folder must not stand still. So an email that was not given out in some
rounds is asked for alone, and after some more it is given up, once it is sure that the server gives out others.

Nothing is kept over a restart: then the counting begins again. Times are in seconds of any one clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

ROUNDS_TOGETHER = 3  # in one command with other emails
ROUNDS = 5  # the last ones alone
AT_LEAST_S = 600.0  # however many rounds there were: a busy server gets this time
WITHOUT_PROOF_S = 24 * 3600.0  # where the server has given out no other email since
FORGOTTEN_S = 3600.0  # after the last refusal: who reads the folder again, asks again
NEVER = float("-inf")


@dataclass(slots=True)
class _Refused:
    began: float
    latest: float
    before: float  # the round before the latest one
    rounds: int = 0


class Retries:
    """With the emails of one folder, by UID."""

    def __init__(self) -> None:
        self._refused: dict[int, _Refused] = {}
        self._given_at = NEVER

    def alone(self) -> tuple[int, ...]:
        """Those to ask for one at a time, after all others, in this order: one that ends the session stands in
        nobody's way.
        """
        refused = sorted((refused.rounds, uid) for uid, refused in self._refused.items())
        return tuple(uid for rounds, uid in refused if rounds >= ROUNDS_TOGETHER)

    def given_up(self, now: float) -> frozenset[int]:
        """Those to ask for no more."""
        self._refused = {uid: it for uid, it in self._refused.items() if now - it.latest < FORGOTTEN_S}
        return frozenset(uid for uid, refused in self._refused.items() if self._is_over(refused, now))

    def given(self, uids: Iterable[int], now: float) -> None:
        """The server has given these out."""
        for uid in uids:
            self._given_at = now
            self._refused.pop(uid, None)

    def withheld(self, uids: Iterable[int], now: float) -> None:
        """The server did not give these out, in one more round."""
        for uid in uids:
            refused = self._refused.setdefault(uid, _Refused(now, now, now))
            refused.rounds += 1
            refused.before = refused.latest
            refused.latest = now

    def _is_over(self, refused: _Refused, now: float) -> bool:
        waited = now - refused.began
        if refused.rounds < ROUNDS or waited < AT_LEAST_S:
            return False
        return self._given_at >= refused.before or waited >= WITHOUT_PROOF_S


@dataclass(frozen=True, slots=True)
class FolderRetries:
    """With one folder: what is told of its emails, and their bytes, are given out each by itself."""

    metas: Retries = field(default_factory=Retries)
    bodies: Retries = field(default_factory=Retries)
