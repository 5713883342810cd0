"""config-api on real servers, in the test's own process: the application, and the tasks behind it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, cast

import uvloop
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from config_api.backend import Backend
from config_api.http.bounds import Bounds
from config_api.http.gateway import Gateway, listening
from config_api.mailboxes.model import MailboxInput
from config_api.site.app import create_app
from config_api.site.links import Links
from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.errors import leaves
from pipeline.secrets import Keyring
from pipeline.settings import Settings
from tests.support.services import ADMIN_TOKEN, SECRET_KEY

WAIT_S = 20.0
MAILBOX: dict[str, Any] = {
    "name": "Reports of example.com",
    "host": "imap.example.com",
    "username": "reports@example.com",
    "password": "correct horse battery",
}


class Api:
    """The API as a program sees it, with one token."""

    def __init__(self, app: Flask, backend: Backend, token: str = ADMIN_TOKEN) -> None:
        self.app = app
        self.backend = backend
        self._token = token

    def with_token(self, token: str) -> "Api":
        """The same for another token."""
        return Api(self.app, self.backend, token)

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> TestResponse:
        """A request; `headers` may be among `more`."""
        headers = {"Authorization": f"Bearer {self._token}", **more.pop("headers", {})}
        return self.app.test_client().open(f"/api/v1{path}", method=method, json=json, headers=headers, **more)

    def add_mailbox(self, **settings: Any) -> dict[str, Any]:
        """A mailbox that was made by the API."""
        answer = self("POST", "/mailboxes", {**MAILBOX, **settings})
        assert answer.status_code == 201, answer.text
        return dict(answer.json or {})

    def browser(self) -> FlaskClient:
        """A browser that nobody has signed in with."""
        return self.app.test_client()


def api_settings(*, nats_url: str, database_url: str, **more: Any) -> Settings:
    """The settings of a service on these servers."""
    return Settings(
        nats_url=SecretStr(nats_url),
        database_url=SecretStr(database_url),
        secret_key=SecretStr(SECRET_KEY),
        **{"admin_token": SecretStr(ADMIN_TOKEN), **more},
    )


@contextmanager
def running_api(settings: Settings, *, declared: tuple[MailboxInput, ...] = (), ready: bool = True) -> Iterator[Api]:
    """The application with its tasks, connected (unless `ready` is False) inside the block."""
    backend = Backend(settings, Keyring(settings.secret_key.get_secret_value()), declared=declared)
    links = Links(backend)
    app = create_app(backend)
    links.start()
    try:
        if ready:
            eventually(lambda: links.failure is not None or not backend.readiness.missing)
            assert links.failure is None, leaves(links.failure)
        yield Api(app, backend)
    finally:
        links.stop()
    assert links.failure is None, leaves(links.failure)


@contextmanager
def served(api: Api, *, bounds: Bounds | None = None, trusted_proxy: str = "") -> Iterator[str]:
    """Where the application is served inside the block, as "host:port": by the real server, in a thread."""
    address = f"{LOOPBACK}:{free_port()}"
    started, stopping = Event(), asyncio.Event()
    loop = uvloop.new_event_loop()

    async def serve() -> None:
        async with listening(Gateway(cast(Any, api.app), trusted_proxy=trusted_proxy, bounds=bounds), address):
            started.set()
            await stopping.wait()
            api.backend.feed.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = Thread(target=run, name="served")
    thread.start()
    try:
        assert started.wait(WAIT_S)
        yield address
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()


def eventually(holds: Callable[[], Any]) -> Any:
    """Waits until it holds, and gives what it gave."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came to hold")
