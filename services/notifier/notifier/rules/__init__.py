"""The rules: pure functions from facts and their settings to findings; nothing is read or sent here."""

from collections.abc import Mapping

from notifier.facts import Facts
from notifier.findings import Finding, concerns
from notifier.rules import domains, mailboxes, pipeline, policies, sources
from pipeline.notifications.rules import Rule, RuleSettings

CHECKS = {**sources.CHECKS, **domains.CHECKS, **policies.CHECKS, **mailboxes.CHECKS, **pipeline.CHECKS}


def find(facts: Facts, settings: Mapping[Rule, RuleSettings]) -> list[Finding]:
    """What the rules find now: one finding for each rule and subject."""
    return [
        finding
        for rule, check in CHECKS.items()
        if settings[rule].enabled
        for finding in check(facts, settings[rule].threshold)
        if concerns(finding.domain, settings[rule].domains)
    ]
