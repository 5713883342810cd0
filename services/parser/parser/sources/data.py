"""The data that sources are named with: the table of services, and files of networks."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from pipeline.sources.catalogue import Catalogue
from pipeline.sources.networks import Networks
from pipeline.sources.services_file import ServicesFile

RULES = "1"  # goes up when the same data gives other names


@dataclass(frozen=True, slots=True)
class NamingFiles:
    """Where the user's files are: services as JSON, networks as mmdb."""

    services: Path | None = None
    networks: tuple[Path, ...] = ()


class NamingData:
    """Read again when a file changes; `version` is another one then."""

    def __init__(self, paths: NamingFiles) -> None:
        self.networks = Networks(paths.networks)
        self._services = ServicesFile(paths.services)
        self._own = (files("pipeline.sources") / "services.json").read_text(encoding="utf-8")
        self.version = self._version()

    @property
    def catalogue(self) -> Catalogue:
        """The services."""
        return self._services.catalogue

    async def refresh(self) -> None:
        """Looks whether a file changed."""
        await asyncio.to_thread(self._refresh)

    def _refresh(self) -> None:
        self._services.refresh()
        self.networks.refresh()
        self.version = self._version()

    def _version(self) -> str:
        facts = "\0".join((RULES, self._own, self._services.text, self.networks.version))
        return sha256(facts.encode()).hexdigest()[:16]
