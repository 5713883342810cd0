"""What a mail may cost: running counts of uncompressed bytes, members and parts, shared by all that is in the mail."""

from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected


class Budget:
    """The counts that one mail and everything nested in it draw on."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._bytes_left = limits.max_uncompressed_bytes
        self._members_left = limits.max_members
        self.parts_left = limits.max_parts

    def spend_member(self) -> None:
        """Count one archive member. Raises Rejected when there were too many."""
        if self._members_left <= 0:
            raise Rejected(Reason.TOO_MANY_MEMBERS, f"more than {self.limits.max_members}")
        self._members_left -= 1

    def spend_bytes(self, count: int) -> None:
        """Count uncompressed bytes. Raises Rejected when the mail's total is over its limit."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise Rejected(Reason.UNCOMPRESSED_TOO_LARGE, f"more than {self.limits.max_uncompressed_bytes} bytes")


class Allowance:
    """One attachment's share: its bytes are counted against the mail's budget and against its own size (the ratio).

    The ratio is taken over all layers, so a bomb in a bomb is measured against what was really sent.
    """

    def __init__(self, budget: Budget, *, attachment_bytes: int) -> None:
        self.budget = budget
        self._ratio_bytes = max(budget.limits.ratio_from_bytes, budget.limits.max_ratio * attachment_bytes)
        self._spent = 0

    def spend(self, count: int) -> None:
        """Count bytes as they come out of a decompressor. Raises Rejected at the first limit crossed."""
        self._spent += count
        if self._spent > self._ratio_bytes:
            raise Rejected(Reason.RATIO_TOO_HIGH, f"more than {self.budget.limits.max_ratio}:1")
        self.budget.spend_bytes(count)
