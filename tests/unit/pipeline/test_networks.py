"""Whose a network is, from the files people have: read in every format, again when they change, never a fault."""

import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from pipeline.sources.networks import Network, Networks
from tests.support.mmdb import mmdb

GEOLITE_ASN = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}
GEOLITE_COUNTRY = {"country": {"iso_code": "DE", "names": {"en": "Germany"}}, "registered_country": {"iso_code": "US"}}
IPINFO_LITE = {"asn": "AS64500", "as_name": "Example Net", "country": "Germany", "country_code": "DE"}


def write(path: Path, content: bytes, *, at: int) -> None:
    path.write_bytes(content)
    os.utime(path, (at, at))


def opened(*paths: Path) -> Networks:
    networks = Networks(paths)
    networks.refresh()
    return networks


@pytest.mark.parametrize(
    ("entry", "network"),
    [
        (GEOLITE_ASN, Network("128.0.0.0/1", 64500, "Example Net", None)),
        (GEOLITE_COUNTRY, Network("128.0.0.0/1", None, None, "DE")),
        ({"registered_country": {"iso_code": "US"}}, Network("128.0.0.0/1", None, None, "US")),
        (IPINFO_LITE, Network("128.0.0.0/1", 64500, "Example Net", "DE")),
        ({"country_code": "de"}, Network("128.0.0.0/1", None, None, "DE")),
        ({"asn": "ASx", "as_name": "", "country": "Germany"}, Network("128.0.0.0/1")),
        ({"asn": "64500", "name": "a\x00\x1b[31mb\n" + "x" * 260}, None),
    ],
)
def test_each_format_says_the_same_facts(tmp_path: Path, entry: dict[str, Any], network: Network | None) -> None:
    path = tmp_path / "net.mmdb"
    path.write_bytes(mmdb(entry))
    found = opened(path).network("192.0.2.1")
    if network is None:
        assert found.organisation is not None
        assert found.organisation.isprintable()
        assert len(found.organisation) <= 200
    else:
        assert found == network


def test_two_files_add_to_each_other_and_the_first_counts(tmp_path: Path) -> None:
    country, asn = tmp_path / "country.mmdb", tmp_path / "asn.mmdb"
    country.write_bytes(mmdb(GEOLITE_COUNTRY))
    asn.write_bytes(mmdb({**IPINFO_LITE, "country_code": "FR"}))
    assert opened(country, asn).network("192.0.2.1") == Network("128.0.0.0/1", 64500, "Example Net", "DE")


def test_a_file_that_changes_is_read_again_and_has_another_version(tmp_path: Path) -> None:
    path = tmp_path / "net.mmdb"
    write(path, mmdb(GEOLITE_ASN), at=1000)
    networks = opened(path)
    version = networks.version
    write(path, mmdb({"asn": "AS64501"}, epoch=1_700_000_001), at=2000)
    networks.refresh()
    assert networks.network("192.0.2.1").asn == 64501
    assert networks.version != version


@pytest.mark.parametrize(
    "broken",
    [b"", b"not an mmdb", b"\x00" * 5000, mmdb(GEOLITE_ASN)[:60], mmdb(GEOLITE_ASN)[30:], b"PK\x03\x04" + b"x" * 999],
)
def test_a_broken_file_leaves_what_was_read_and_is_said_once(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "net.mmdb"
    write(path, mmdb(GEOLITE_ASN), at=1000)
    networks = opened(path)
    write(path, broken, at=2000)
    with capture_logs() as lines:
        networks.refresh()
        networks.refresh()
    assert [line["event"] for line in lines] == ["networks_unreadable"]
    assert networks.network("192.0.2.1").asn == 64500


def test_a_file_that_is_away_is_said_once_and_read_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "net.mmdb"
    networks = Networks([path])
    with capture_logs() as lines:
        networks.refresh()
        networks.refresh()
    assert [line["event"] for line in lines] == ["networks_unreadable"]
    assert networks.network("192.0.2.1") == Network()
    path.write_bytes(mmdb(GEOLITE_ASN))
    networks.refresh()
    assert networks.network("192.0.2.1").asn == 64500


@pytest.mark.parametrize("address", ["2001:db8::1", "no address", ""])
def test_an_address_the_file_cannot_have_is_unknown(tmp_path: Path, address: str) -> None:
    path = tmp_path / "net.mmdb"
    path.write_bytes(mmdb(GEOLITE_ASN))
    assert opened(path).network(address) == Network()


def test_damage_in_the_middle_of_a_file_is_no_fault_of_the_reader(tmp_path: Path) -> None:
    whole = mmdb(IPINFO_LITE)
    for place in range(22, whole.index(b"\xab\xcd\xef")):
        for byte in (0x00, 0xFF, 0x3F, 0xE1):
            path = tmp_path / "net.mmdb"
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            networks = opened(path)
            assert isinstance(networks.network("192.0.2.1"), Network)


def test_a_damaged_file_is_never_a_fault_of_ours(tmp_path: Path) -> None:
    """The driver raises whatever its own reading of nonsense comes to: TypeError, RecursionError and others."""
    whole = mmdb(GEOLITE_ASN | GEOLITE_COUNTRY | {"list": [1, 2, {"a": "b"}]})
    path = tmp_path / "net.mmdb"
    random = Random(3)
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            damaged[random.randrange(len(damaged))] = random.choice((0x00, 0x20, 0x3F, 0xE1, 0xFF))
        path.write_bytes(damaged)
        networks = opened(path)
        for address in ("192.0.2.1", "2001:db8::1"):
            assert isinstance(networks.network(address), Network)
        assert isinstance(networks.version, str)
