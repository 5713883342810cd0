"""The services that send mail for others, and the domains that give them away. Facts are in `services.json`.

A user's own file has the same form and comes first: an entry with a known id replaces it, a domain named twice belongs
to the user's entry.
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_SERVICES = 20_000
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")


class Kind(StrEnum):
    """What a service does. Those of `SENDING` send in the name of their customers; `PASSING` hand on others' mail."""

    ESP = "esp"
    CRM = "crm"
    TICKETING = "ticketing"
    INVOICING = "invoicing"
    COMMERCE = "commerce"
    SURVEY = "survey"
    EVENTS = "events"
    COLLABORATION = "collaboration"
    HR = "hr"
    TRAINING = "training"
    EDUCATION = "education"
    SOCIAL = "social"
    MAILBOX_PROVIDER = "mailbox_provider"
    SECURITY_GATEWAY = "security_gateway"
    FORWARDER = "forwarder"
    LIST_SERVER = "list_server"
    HOSTING = "hosting"


PASSING = frozenset({Kind.MAILBOX_PROVIDER, Kind.SECURITY_GATEWAY, Kind.FORWARDER, Kind.LIST_SERVER, Kind.HOSTING})
SENDING = frozenset(Kind) - PASSING


class CatalogueError(ValueError):
    """A file of services cannot be used; the text says where and why."""


def _domain(name: str) -> str:
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("a domain in lower case is needed, in its ASCII form")
    return name


Domain = Annotated[str, AfterValidator(_domain)]


class Service(BaseModel):
    """One service. `domains` sign its mail (DKIM d=) or are its envelope domains (SPF), each with its subdomains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    name: str = Field(min_length=1, max_length=100)
    kind: Kind
    domains: tuple[Domain, ...] = Field(min_length=1, max_length=200)
    help: str | None = Field(None, pattern=r"^https://[^\s\"<>]+$", max_length=500)


_SERVICES = TypeAdapter(list[Service])


class Catalogue:
    """Services by id and by domain."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._by_id: dict[str, Service] = {}
        self._by_domain: dict[str, Service] = {}
        for service in services:
            if service.id in self._by_id:
                continue
            self._by_id[service.id] = service
            for domain in service.domains:
                self._by_domain.setdefault(domain, service)

    @property
    def services(self) -> Mapping[str, Service]:
        """All of them by id."""
        return self._by_id

    def of_domain(self, name: str) -> Service | None:
        """The service of this domain or of the nearest parent that is in the table.

        >>> Catalogue([Service(id="s", name="S", kind=Kind.ESP, domains=("s.example",))]).of_domain("u1.s.example").id
        's'
        """
        labels = name.lower().rstrip(".").split(".")[-10:]
        places = (".".join(labels[start:]) for start in range(len(labels) - 1))
        return next((self._by_domain[place] for place in places if place in self._by_domain), None)


def parse_services(text: str) -> list[Service]:
    """The services of a file. Raises CatalogueError."""
    if len(text) > MAX_FILE_BYTES:
        raise CatalogueError(f"more than {MAX_FILE_BYTES} bytes")
    try:
        services = _SERVICES.validate_python(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogueError(f"entry {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"not JSON: {type(error).__name__}") from None
    if len(services) > MAX_SERVICES:
        raise CatalogueError(f"more than {MAX_SERVICES} services")
    return services


def own_services() -> list[Service]:
    """The services that come with the project."""
    return parse_services(_own_text())


def _own_text() -> str:
    return (files("pipeline.sources") / "services.json").read_text(encoding="utf-8")


def service_name(service_id: str) -> str:
    """What people call a service that comes with the project; of any other its id.

    Only the names stay in memory.
    """
    return _own_names().get(service_id, service_id)


@cache
def _own_names() -> dict[str, str]:
    return {service["id"]: service["name"] for service in json.loads(_own_text())}
