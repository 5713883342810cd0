"""The table of services with the user's own file over it, which is read again when it changes."""

from pathlib import Path

import structlog

from pipeline.sources.catalogue import MAX_FILE_BYTES, Catalogue, CatalogueError, own_services, parse_services

log = structlog.get_logger(__name__)


class ServicesFile:
    """`catalogue` is what was read last; a file that cannot be read leaves it, and is told of once."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._own = own_services()
        self._complaint = ""
        self.text = ""
        self.catalogue = Catalogue(self._own)

    def refresh(self) -> None:
        """Looks whether the file changed. Blocks: for a thread."""
        if self._path is None:
            return
        try:
            text = _content(self._path)
            if text == self.text:
                return
            services = parse_services(text)
        except (OSError, UnicodeDecodeError, CatalogueError) as error:
            self._complain(str(error)[:300])
            return
        self._complaint, self.text = "", text
        self.catalogue = Catalogue([*services, *self._own])
        log.info("services_read", file=str(self._path), services=len(services))

    def _complain(self, reason: str) -> None:
        if reason != self._complaint:
            self._complaint = reason
            log.error("services_unreadable", file=str(self._path), error=reason, kept="what was read before")


def _content(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise CatalogueError(f"more than {MAX_FILE_BYTES} bytes")
    return content.decode("utf-8")
