"""The network of an address: AS number, organisation and country, from mmdb files; the only file that knows maxminddb.

GeoLite2 (ASN, Country, City), DB-IP Lite and IPinfo Lite name the same facts differently; each file adds what it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias

import maxminddb
import structlog

log = structlog.get_logger(__name__)

MAX_FILE_BYTES = 2 * 1024**3
MAX_TEXT = 200
Stamp: TypeAlias = tuple[int, int]  # mtime in ns, size in bytes


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of an address's network; None for what no file says. `country` is ISO 3166-1 alpha-2."""

    prefix: str | None = None
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None


class Networks:
    """The files of these paths. `refresh` looks whether one changed; a file that cannot be read leaves the old one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._readers: dict[Path, maxminddb.Reader] = {}
        self._stamps: dict[Path, Stamp | None] = {}

    def refresh(self) -> None:
        """Opens files that are new or changed. Blocks: for a thread."""
        for path in self._paths:
            stamp = _stamp(path)
            if path in self._stamps and stamp == self._stamps[path]:
                continue
            self._stamps[path] = stamp
            reader = _opened(path)
            if reader is not None:
                self._readers[path] = reader

    @property
    def version(self) -> str:
        """Changes when other data would give other names."""
        built = (
            f"{path.name}:{meta.build_epoch}:{meta.node_count}"
            for path, meta in ((path, reader.metadata()) for path, reader in self._readers.items())
        )
        return ",".join(sorted(built))

    def network(self, address: str) -> Network:
        """What the files know of the address, those named first before the others."""
        found = Network()
        for path, reader in self._readers.items():
            try:
                entry, prefix = reader.get_with_prefix_len(address)
            except Exception as error:  # noqa: BLE001 a damaged file makes the driver raise anything
                log.debug("network_unknown", file=str(path), error=str(error)[:200])
                continue
            if isinstance(entry, Mapping):
                found = _merged(found, _read(entry), _prefix(address, prefix))
        return found


def _merged(known: Network, more: Network, prefix: str) -> Network:
    is_network = known.asn is None and more.asn is not None
    return Network(
        prefix=prefix if is_network or known.prefix is None else known.prefix,
        asn=more.asn if known.asn is None else known.asn,
        organisation=known.organisation or more.organisation,
        country=known.country or more.country,
    )


def _read(entry: Mapping[str, Any]) -> Network:
    return Network(
        asn=_number(entry.get("autonomous_system_number", entry.get("asn"))),
        organisation=_text(entry.get("autonomous_system_organization") or entry.get("as_name") or entry.get("name")),
        country=_country(entry),
    )


def _country(entry: Mapping[str, Any]) -> str | None:
    nested = entry.get("country") or entry.get("registered_country")
    code = nested.get("iso_code") if isinstance(nested, Mapping) else None
    for value in (code, entry.get("country_code"), nested):  # IPinfo's older files have the code under `country`
        if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
            return value.upper()
    return None


def _number(value: object) -> int | None:
    """An AS number: 64512, "64512" or "AS64512"."""
    digits = str(value).upper().removeprefix("AS") if isinstance(value, int | str) else ""
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else None


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    shown = "".join(character for character in value[: 2 * MAX_TEXT] if character.isprintable()).strip()
    return shown[:MAX_TEXT] or None


def _prefix(address: str, bits: int) -> str:
    parsed = ip_address(address)
    kept = int(parsed) >> (parsed.max_prefixlen - bits) << (parsed.max_prefixlen - bits)
    return f"{type(parsed)(kept)}/{bits}"


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _opened(path: Path) -> maxminddb.Reader | None:
    """The file, read whole, so that whoever replaces it cannot pull it from under us."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"more than {MAX_FILE_BYTES} bytes")
        reader = maxminddb.open_database(path, mode=maxminddb.MODE_MEMORY)
        reader.get("192.0.2.1")
    except Exception as error:  # noqa: BLE001 a damaged file makes the driver raise anything
        log.error("networks_unreadable", file=str(path), error=str(error)[:200], kept="what was read before")
        return None
    log.info("networks_read", file=str(path), type=str(reader.metadata().database_type)[:100])
    return reader
