"""What is asked of sources, and the rows of the answers."""

from datetime import date, datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from config_api.web.absence import Maybe
from config_api.web.shapes import Count, Day, Filter, Moment, Row, Text
from pipeline.sources.catalogue import Kind
from pipeline.sources.changes import Change
from pipeline.sources.judge import Standing, Verdict

MAX_DAYS = 400


def valid_address(text: str) -> str:
    """The address in its canonical form. Raises ValueError for anything else, a zone included."""
    address = ip_address(text)
    if getattr(address, "scope_id", None):
        raise ValueError("an address without a zone is needed")
    return str(address)


class Result(StrEnum):
    """Whether some messages fail, or all pass."""

    FAILING = "failing"
    PASSING = "passing"


class SourceSort(StrEnum):
    """`attention`: what somebody should look at first. The others have the largest or the latest first."""

    ATTENTION = "attention"
    MESSAGES = "-messages"
    FAILED = "-failed"
    LAST_DAY = "-last_day"


class Period(Filter):
    """Days (UTC), both included. Without them: the last 30 days that reports speak of, which is quickest."""

    since: Maybe[Day] = Field(None, description="First day.")
    until: Maybe[Day] = Field(None, description="Last day.")

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if (self.since is None) != (self.until is None):
            raise ValueError("since and until come together")
        if self.since and self.until and not 0 <= (self.until - self.since).days < MAX_DAYS:
            raise ValueError(f"since must not be after until, and less than {MAX_DAYS} days before it")
        return self


class SourceFilter(Period):
    """Which sources."""

    domain: Maybe[Text] = Field(None, description="The policy domain.")
    service: Maybe[Text] = Field(None, description="The id of a service.")
    asn: Maybe[int] = Field(None, ge=0, lt=2**32, description="The AS number of its network.")
    verdict: Maybe[Verdict] = Field(None, description="What the source is.")
    standing: Maybe[Standing] = Field(None, description="What a person said of it.")
    result: Maybe[Result] = None
    change: Maybe[Change] = Field(None, description="What is other than before.")
    q: Maybe[Text] = Field(None, description="A text in address, domain, host, organisation, network or AS number.")


class ChangeFilter(Filter):
    """Which changes."""

    since: Maybe[Moment] = Field(None, description="From this time on (RFC 3339).")
    domain: Maybe[Text] = Field(None, description="The policy domain.")
    change: Maybe[Change] = None


class Names(Row):
    """What an address is called. All but the address may be unknown; `host` was confirmed by its own address."""

    source_ip: str | None
    service: str | None = None
    service_name: str | None = None
    kind: Kind | None = None
    network: str | None = None
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None
    host: str | None = None


class SourceRow(Names):
    """An address that sent as a domain. `overridden`: those that reporters call forwarded or from a mailing list."""

    domain: str
    verdict: Verdict
    standing: Standing | None
    changes: list[Change]
    messages: Count
    passed: Count
    failed: Count
    dkim: Count
    spf: Count
    quarantined: Count
    rejected: Count
    overridden: Count
    messages_before: Count
    passed_before: Count
    first_day: date
    last_day: date


class Judged(Row):
    """What an address is to a domain, and why. `link` is the service's own help."""

    domain: str
    verdict: Verdict
    standing: Standing | None
    changes: list[Change]
    evidence: list[str]
    advice: str
    link: str | None
    messages: Count
    passed: Count
    failed: Count


class IdentityRow(Row):
    """A domain that an address authenticated as, or (`from`) whose From address it used."""

    domain: str
    mechanism: str
    name: str
    selector: str
    passed: bool
    first_day: date
    last_day: date


class SourceDay(Row):
    """One day; a day without messages is not in the list."""

    day: date
    messages: Count
    passed: Count
    dkim: Count
    spf: Count
    quarantined: Count
    rejected: Count


class SourceRecord(Row):
    """A row of a report that names the address."""

    report: int
    org_name: str
    domain: str
    begin: datetime
    position: int
    count: int
    disposition: str | None
    dkim: str | None
    spf: str | None
    header_from: str | None
    envelope_from: str | None
    reasons: list[dict[str, JsonValue]] | None
    dkim_results: list[dict[str, JsonValue]] | None
    spf_results: list[dict[str, JsonValue]] | None


class StandingRow(Row):
    """What a person said of an address or a service; `domain` is empty where it holds for all."""

    domain: str
    kind: str
    target: str
    standing: Standing
    note: str
    who: str
    at: datetime


class SourceDetail(Names):
    """An address with all that is known of it."""

    first_day: date
    last_day: date
    domains: list[Judged]
    identities: list[IdentityRow]
    days: list[SourceDay]
    standings: list[StandingRow]


class ChangeRow(Row):
    """A source that is other than before."""

    changed_at: datetime
    domain: str
    source_ip: str | None
    service: str | None
    service_name: str | None = None
    changes: list[Change]
    verdict: Verdict
    messages: Count
    failed: Count
    messages_before: Count
    passed_before: Count
    first_day: date
    last_day: date


class StandingRequest(BaseModel):
    """What a person says of a source or a service: of one domain's mail, or of all."""

    model_config = ConfigDict(extra="forbid")

    standing: Standing
    note: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")] = ""
    domain: Maybe[Annotated[str, StringConstraints(max_length=253, pattern=r"^[^\x00]*$")]] = Field(
        None, description="The policy domain it holds for; left out: for all."
    )


class StandingScope(BaseModel):
    """Of which domain's mail."""

    model_config = ConfigDict(extra="forbid")

    domain: Maybe[Text] = Field(None, description="The policy domain it holds for; left out: for all.")
