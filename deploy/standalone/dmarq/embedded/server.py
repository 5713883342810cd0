"""What the embedded servers have in common: a child process that is started, awaited, and stopped with the block."""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

from dmarq.embedded.child import Child, ChildSpec
from dmarq.embedded.datadir import DataDir


class EmbeddedServer(ABC):
    """A server of our own. As a context manager it runs inside the block; it may be started again after a stop.

    A subclass says how its process is run (`_spec`) and how to tell that it takes clients (`_is_ready`).
    """

    name: ClassVar[str]
    ready_timeout_s: float = 30.0

    def __init__(self, data: DataDir) -> None:
        self._data = data
        self.child: Child | None = None

    def start(self) -> Child:
        """Start the server and return when it takes clients. Raises ChildFailed."""
        self.child = Child(self._spec())
        self.child.wait_ready(self._is_ready, timeout_s=self.ready_timeout_s)
        return self.child

    def stop(self) -> None:
        """Stop the server; it finishes what it has accepted."""
        if self.child is not None:
            self.child.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _spec(self) -> ChildSpec:
        """How the process is run; what it needs on disk is made here."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it takes clients now."""
