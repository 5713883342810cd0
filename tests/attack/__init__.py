"""Attacks on the whole system, bounded and on loopback: what each costs, and the bound that it has to stay below."""

from typing import NamedTuple


class Row(NamedTuple):
    """What was tried, what it may cost at most, what it did cost, and whether the system held."""

    attack: str
    bound: str
    measured: str
    held: bool
