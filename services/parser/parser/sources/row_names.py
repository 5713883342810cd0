"""The names of the sources of a report's rows, for whoever hears of the report; from memory alone, so nothing waits."""

from collections.abc import Iterator

from parser.kinds.rows import Json
from parser.sources.data import NamingData
from pipeline.contracts.report import Record
from pipeline.sources.naming import Identity, Mechanism, service_of

MOST = 10_000  # rows alike that are remembered


class RowNames:
    """Names by what the row itself says: the address, and what passed. Forgets all when the data changes."""

    def __init__(self, data: NamingData) -> None:
        self._data = data
        self._known: dict[tuple[str | None, tuple[str | None, ...], tuple[str | None, ...]], Json] = {}
        self._version = ""

    def __call__(self, row: Record) -> Json:
        """`service` (its id), `service_name`, `asn`, `organisation` and `country`; null for what is unknown."""
        if self._version != self._data.version or len(self._known) >= MOST:
            self._known.clear()
            self._version = self._data.version
        dkim = tuple([one.domain for one in row.dkim_results if one.result == "pass"])
        spf = tuple([one.domain for one in row.spf_results if one.result == "pass"])
        key = (row.source_ip, dkim, spf)
        names = self._known.get(key)
        if names is None:
            names = self._known[key] = self._names(row.source_ip, frozenset(_passed(row)))
        return names

    def _names(self, address: str | None, passed: frozenset[Identity]) -> Json:
        service = service_of(self._data.catalogue, passed) if address else None
        network = self._data.networks.network(address) if address else None
        return {
            "service": service.id if service else None,
            "service_name": service.name if service else None,
            "asn": network.asn if network else None,
            "organisation": network.organisation if network else None,
            "country": network.country if network else None,
        }


def _passed(row: Record) -> Iterator[Identity]:
    for mechanism, results in ((Mechanism.DKIM, row.dkim_results), (Mechanism.SPF, row.spf_results)):
        for one in results:
            if one.domain and one.result == "pass":
                yield Identity(mechanism, one.domain, passed=True)
