"""The rules: what each one watches for, and the settings that hold where nobody said otherwise; pure.

The defaults are such that switching on one channel is enough.
"""

from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pipeline.contracts.vocabulary import Word


class Urgency(StrEnum):
    """How urgent an alert is. What is critical is sent in quiet hours, too."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """For comparing: the more urgent, the greater."""
        return list(Urgency).index(self)


class Rule(Word):
    """A rule. The text beside a member is its title."""

    NEW_FAILING_SOURCE = "new_failing_source", "A new source fails"
    SOURCE_FAILING = "source_failing", "A known source begins to fail"
    SIGNATURE_LOST = "signature_lost", "A known source loses its DKIM signature"
    VOLUME_UNUSUAL = "volume_unusual", "The volume is far from usual"
    POLICY_DIFFERS = "policy_differs", "Reporters see another policy"
    REPORTER_SILENT = "reporter_silent", "A reporter has gone silent"
    DOMAIN_SILENT = "domain_silent", "A domain has gone silent"
    TLS_FAILURES = "tls_failures", "TLS sessions fail"
    MAILBOX_SIGN_IN = "mailbox_sign_in", "A mailbox refuses the sign-in"
    MAILBOX_FAULT = "mailbox_fault", "A mailbox cannot be read"
    MAILBOX_OVERDUE = "mailbox_overdue", "A mailbox has not been read for a while"
    ACTION_REFUSED = "action_refused", "A mail server refuses to mark, move or delete"
    DEAD_LETTERS = "dead_letters", "Emails became dead letters"
    STORE_FULL = "store_full", "A store is nearly full"
    SETTINGS_CHANGED = "settings_changed", "Settings were changed"


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (LookupError, ValueError, OSError):  # unknown; a path; a directory
        raise ValueError('should be the name of a time zone, like "Europe/Berlin" or "UTC"') from None


ZoneName = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
Domain = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=253)]


class QuietHours(BaseModel):
    """A span of each day; it may go over midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: time = Field(description="When it becomes quiet, like 22:00.")
    end: time = Field(description="When it is over, like 07:00.")
    time_zone: ZoneName = Field("UTC", description="The zone of both, like Europe/Berlin.")

    @model_validator(mode="after")
    def _is_a_span(self) -> "QuietHours":
        if self.begin == self.end:
            raise ValueError("begin and end should differ")
        if self.begin.tzinfo or self.end.tzinfo:
            raise ValueError("times should have no offset; time_zone says where they hold")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.time_zone)


class RuleSettings(BaseModel):
    """How one rule behaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(True, description="Whether the rule is watched at all.")
    threshold: float = Field(1, ge=0, le=1e12, description="From where on it speaks; the unit is the rule's own.")
    domains: tuple[Domain, ...] = Field((), max_length=1000, description="Only these policy domains; empty: all.")
    urgency: Urgency = Field(Urgency.WARNING, description="How urgent its alerts are.")
    quiet_hours: QuietHours | None = Field(None, description="When its alerts wait, unless they are critical.")


class RuleAbout(BaseModel):
    """What is known of a rule beside its settings. `unit` says what its threshold counts."""

    model_config = ConfigDict(frozen=True)

    unit: str
    defaults: RuleSettings


def _about(unit: str, threshold: float, urgency: Urgency = Urgency.WARNING) -> RuleAbout:
    return RuleAbout(unit=unit, defaults=RuleSettings(threshold=threshold, urgency=urgency))


CATALOGUE: Mapping[Rule, RuleAbout] = {
    Rule.NEW_FAILING_SOURCE: _about("failing messages in a week", 100),
    Rule.SOURCE_FAILING: _about("failing messages in two days", 20, Urgency.CRITICAL),
    Rule.SIGNATURE_LOST: _about("messages without a signature in two days", 20, Urgency.CRITICAL),
    Rule.VOLUME_UNUSUAL: _about("times more or less than the usual day", 5),
    Rule.POLICY_DIFFERS: _about("reports that say so", 1),
    Rule.REPORTER_SILENT: _about("days", 4, Urgency.INFO),
    Rule.DOMAIN_SILENT: _about("days", 3),
    Rule.TLS_FAILURES: _about("failed sessions in two days", 10),
    Rule.MAILBOX_SIGN_IN: _about("minutes", 0, Urgency.CRITICAL),
    Rule.MAILBOX_FAULT: _about("minutes", 30),
    Rule.MAILBOX_OVERDUE: _about("intervals of the mailbox, and at least an hour", 3, Urgency.CRITICAL),
    Rule.ACTION_REFUSED: _about("emails in a day", 1),
    Rule.DEAD_LETTERS: _about("emails in a day", 1),
    Rule.STORE_FULL: _about("per cent", 80, Urgency.CRITICAL),
    Rule.SETTINGS_CHANGED: _about("changes", 1, Urgency.INFO),
}


def settings_of(saved: Mapping[str, Any]) -> dict[Rule, RuleSettings]:
    """The settings of every rule: what was saved for it (by code) over its defaults."""
    return {
        rule: RuleSettings.model_validate({**about.defaults.model_dump(), **dict(saved.get(rule.value, {}))})
        for rule, about in CATALOGUE.items()
    }
