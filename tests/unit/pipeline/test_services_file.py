"""The table of sending services: its shape, that nothing is in it twice, and that it finds whose a domain is."""

import json
from collections import Counter
from importlib.resources import files

import pytest

from pipeline.sources.catalogue import PASSING, Catalogue, CatalogueError, Kind, Service, own_services, parse_services
from pipeline.sources.domains import organisational
from pipeline.sources.naming import Identity, Mechanism, service_of

OWN = Catalogue(own_services())


def test_there_are_enough_services_of_every_kind() -> None:
    services = own_services()
    kinds = Counter(service.kind for service in services)
    assert len(services) >= 300
    assert set(kinds) == set(Kind)
    assert kinds[Kind.ESP] >= 100
    assert sum(service.help is not None for service in services) >= 200


def test_no_id_no_name_and_no_domain_is_there_twice() -> None:
    services = own_services()
    for values in (
        [service.id for service in services],
        [service.name.lower() for service in services],
        [domain for service in services for domain in service.domains],
    ):
        assert [value for value, times in Counter(values).items() if times > 1] == []


def test_no_domain_is_a_public_suffix_or_one_of_documentation() -> None:
    for service in own_services():
        for domain in service.domains:
            assert organisational(domain).count(".") >= 1, domain
            assert not domain.endswith((".invalid", ".example", ".test", "example.com")), domain


def test_the_file_is_sorted_one_service_a_line() -> None:
    text = (files("pipeline.sources") / "services.json").read_text(encoding="utf-8")
    ids = [service["id"] for service in json.loads(text)]
    assert ids == sorted(ids)
    assert len(text.splitlines()) == len(ids) + 2


@pytest.mark.parametrize(
    ("domain", "service"),
    [
        ("sendgrid.net", "twilio-sendgrid"),
        ("u123.wl.SendGrid.net.", "twilio-sendgrid"),
        ("amazonses.com", "amazon-ses"),
        ("eu-west-1.amazonses.com", "amazon-ses"),
        ("mail123.atl11.rsgsv.net", "mailchimp"),
        ("contoso.onmicrosoft.com", "microsoft-365-and-outlook-com"),
        ("notsendgrid.net", None),
        ("sendgrid.net.evil.example", None),
        ("net", None),
        ("", None),
        ("." * 300, None),
    ],
)
def test_a_domain_and_what_is_below_it_are_a_services(domain: str, service: str | None) -> None:
    found = OWN.of_domain(domain)
    assert (found.id if found else None) == service


SPF, DKIM = Mechanism.SPF, Mechanism.DKIM


@pytest.mark.parametrize(
    ("identities", "host", "service"),
    [
        ([Identity(DKIM, "sendgrid.net", passed=True)], None, "twilio-sendgrid"),
        ([Identity(DKIM, "sendgrid.net", passed=False)], None, None),
        ([Identity(DKIM, "sendgrid.net", passed=True), Identity(SPF, "groups.io", passed=True)], None, "groups-io"),
        ([Identity(DKIM, "sendgrid.net", passed=True)], "mx.groups.io", "groups-io"),
        ([Identity(SPF, "example.com", passed=True)], None, None),
        ([], "o1.sendgrid.net", "twilio-sendgrid"),
        ([], None, None),
    ],
)
def test_what_passed_names_the_service_and_the_host_comes_before_the_signature(
    identities: list[Identity], host: str | None, service: str | None
) -> None:
    found = service_of(OWN, identities, host=host)
    assert (found.id if found else None) == service


def test_a_users_entry_comes_before_ours() -> None:
    users = Service(id="mine", name="Mine", kind=Kind.ESP, domains=("sendgrid.net",))
    found = Catalogue([users, *own_services()]).of_domain("x.sendgrid.net")
    assert found == users


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "[" * 100_000,
        '[{"id": "x", "name": "X", "kind": "esp"}]',
        '[{"id": "x", "name": "X", "kind": "nonsense", "domains": ["a.example"]}]',
        '[{"id": "x", "name": "X", "kind": "esp", "domains": ["A.example"]}]',
        '[{"id": "x", "name": "X", "kind": "esp", "domains": ["com"]}]',
        '[{"id": "x", "name": "X", "kind": "esp", "domains": ["a..example"]}]',
        '[{"id": "x", "name": "X", "kind": "esp", "domains": ["a.example"], "help": "javascript:alert(1)"}]',
        '[{"id": "x", "name": "X", "kind": "esp", "domains": ["a.example"], "extra": 1}]',
        " " * (4 * 1024 * 1024 + 1),
    ],
)
def test_a_file_with_errors_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        parse_services(text)
    assert str(refused.value)


def test_those_who_hand_on_mail_are_no_senders_of_their_own() -> None:
    assert {Kind.FORWARDER, Kind.LIST_SERVER, Kind.MAILBOX_PROVIDER} <= PASSING
    assert Kind.ESP not in PASSING
