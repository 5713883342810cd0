"""What ends the waits of one mailbox's work; made by its worker, and shared by all that wait."""

import asyncio

TURN_S = 5.0


class Signals:
    """`stop`: end after what is in hand. `fetch`: look for new emails now. `connection`: somebody waits for a
    connection that another one holds.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.fetch = asyncio.Event()
        self.connection = asyncio.Event()
        self._turn_ends = 0.0  # loop time

    def connection_taken(self) -> None:
        """Whoever waited has a connection now, and may keep it for some seconds at least."""
        self.connection.clear()
        self._turn_ends = asyncio.get_running_loop().time() + TURN_S

    @property
    def turn_over(self) -> bool:
        """Whether whoever holds the connection should let another one have it now."""
        return self.connection.is_set() and asyncio.get_running_loop().time() >= self._turn_ends

    @property
    def let_go(self) -> bool:
        """Whether to end after what is in hand, for either reason."""
        return self.stop.is_set() or self.turn_over
