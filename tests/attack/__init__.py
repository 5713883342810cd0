"""Attacks on the system, each with the bound it must keep: what was measured, and whether it held."""

from typing import NamedTuple


class Row(NamedTuple):
    """One attack. `bound` and `measured` are for people, with units."""

    attack: str
    bound: str
    measured: str
    held: bool
