"""`/healthz`, `/readyz` and `/metrics` of a service, on its own small HTTP server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from pipeline.telemetry.metrics import DEPENDENCY_UP


class Readiness:
    """What a service needs, and whether it has it. A service is ready when nothing is missing."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {}
        self._unhealthy: dict[str, str] = {}

    def set(self, dependency: str, *, up: bool, detail: str = "not available") -> None:
        """Notes that the dependency answers, or why not."""
        DEPENDENCY_UP.labels(dependency).set(1 if up else 0)
        if up:
            self._missing.pop(dependency, None)
            return
        self._missing[dependency] = detail

    def complain(self, about: str, detail: str) -> None:
        """Notes something that is wrong but does not keep the service from its work; "" takes it back."""
        if detail:
            self._unhealthy[about] = detail
        else:
            self._unhealthy.pop(about, None)

    @property
    def unhealthy(self) -> dict[str, str]:
        """What is wrong, though the service works."""
        return dict(self._unhealthy)

    @property
    def missing(self) -> dict[str, str]:
        """What is missing, and why; empty when ready."""
        return dict(self._missing)


@asynccontextmanager
async def serving_health(address: str, readiness: Readiness) -> AsyncIterator[None]:
    """Serves on "host:port" while the context lasts; an empty address serves nothing."""
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(_application(readiness), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
    try:
        yield
    finally:
        await runner.cleanup()


def _application(readiness: Readiness) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        missing = readiness.missing
        body = {
            "status": "waiting" if missing else "ready",
            "missing": missing,
            "unhealthy": readiness.unhealthy,
        }
        return web.json_response(body, status=503 if missing else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)
    return application
