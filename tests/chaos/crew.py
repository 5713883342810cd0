"""The services of a site: which of them run, what they are told, and who starts them again when they were killed."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from dmarq.embedded.child import Child
from tests.chaos.wires import Wire
from tests.support.services import Services


@dataclass(frozen=True, slots=True)
class Post:
    """One place for a service: what runs there, over which wires."""

    name: str
    service: str
    wires: Mapping[str, Wire]
    environment: Mapping[str, str]


class Crew:
    """Starts the services and keeps them up, as a supervisor does in production."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._posts: dict[str, Post] = {}
        self._off_duty: set[str] = set()
        self.starts = 0

    def add(self, post: Post) -> None:
        """Starts a service and waits until it is ready."""
        self._posts[post.name] = post
        self._start(post, ready=True)

    def child(self, name: str) -> Child:
        """The process that runs there now, or ran last."""
        return self._services.running[name]

    def wire(self, name: str, server: str) -> Wire:
        """The way from this service to "nats", "postgres" or "imap"."""
        return self._posts[name].wires[server]

    def names(self, service: str | None = None) -> list[str]:
        """Where such a service runs; all places by default."""
        return [name for name, post in self._posts.items() if service in (None, post.service)]

    def kill(self, name: str) -> None:
        """Sends SIGKILL and does not wait; `keep_up` starts it again."""
        with suppress(ProcessLookupError):
            os.killpg(self.child(name).pid, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Sends a signal to the service alone."""
        self.child(name).send(number)

    def is_ready(self, name: str) -> bool:
        """Whether it says that it misses nothing."""
        return self._services.is_ready(name)

    def hold(self, name: str) -> None:
        """Stops it; it is not started again until `go_on`."""
        self._off_duty.add(name)
        self.child(name).stop()

    def go_on(self, name: str) -> None:
        """Starts it again."""
        self._off_duty.discard(name)
        self.keep_up()

    def keep_up(self) -> None:
        """Starts every service that has ended. From the thread that lives as long as the site."""
        for post in self._posts.values():
            if post.name not in self._off_duty and not self.child(post.name).running:
                self._start(post, ready=False)

    def _start(self, post: Post, *, ready: bool) -> None:
        self.starts += 1
        self._services.start(post.service, name=post.name, environment=post.environment, ready=ready)
