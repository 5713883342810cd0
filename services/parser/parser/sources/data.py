"""The data that sources are named with: the table of services with the user's own, and files of networks."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog

from pipeline.sources.catalogue import Catalogue, CatalogueError, Service, own_services, parse_services
from pipeline.sources.networks import Networks

log = structlog.get_logger(__name__)

RULES = "1"  # goes up when the same data gives other names


@dataclass(frozen=True, slots=True)
class NamingFiles:
    """Where the user's files are: services as JSON, networks as mmdb."""

    services: Path | None = None
    networks: tuple[Path, ...] = ()


class NamingData:
    """Read again when a file changes; a file that cannot be read leaves what was read before."""

    def __init__(self, files: NamingFiles) -> None:
        self._path = files.services
        self.networks = Networks(files.networks)
        self._own = own_services()
        self._text: str | None = None
        self._complaint = ""
        self.catalogue = Catalogue(self._own)

    async def refresh(self) -> None:
        """Looks whether a file changed."""
        await asyncio.to_thread(self._refresh)

    @property
    def version(self) -> str:
        """Changes when the data does."""
        users = self._text or ""
        facts = f"{RULES}|{[service.model_dump_json() for service in self._own]}|{users}|{self.networks.version}"
        return sha256(facts.encode()).hexdigest()[:16]

    def _refresh(self) -> None:
        self.networks.refresh()
        if self._path is None:
            return
        try:
            text = self._path.read_text(encoding="utf-8")
            if text == self._text:
                return
            services: list[Service] = parse_services(text)
        except (OSError, UnicodeDecodeError, CatalogueError) as error:
            self._complain(str(error)[:300])
            return
        self._complaint, self._text = "", text
        self.catalogue = Catalogue([*services, *self._own])
        log.info("services_read", file=str(self._path), services=len(services))

    def _complain(self, reason: str) -> None:
        """Once for each reason."""
        if reason != self._complaint:
            self._complaint = reason
            log.error("services_unreadable", file=str(self._path), error=reason, kept="what was read before")
