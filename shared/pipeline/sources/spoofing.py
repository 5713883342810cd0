"""Is somebody spoofing a domain? By how much fails that nobody of ours sent, and from how many addresses. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from pipeline.counting import plural

LEAST = 20  # messages in the window; fewer are what every domain sees
MUCH = 100  # messages
WIDE = 10  # addresses


class Spoofing(StrEnum):
    """`wave`: much, from many addresses. `concentrated`: much, from few. `scattered`: little, from any number."""

    NONE = "none"
    SCATTERED = "scattered"
    CONCENTRATED = "concentrated"
    WAVE = "wave"


@dataclass(frozen=True, slots=True)
class SpoofingFound:
    """The answer with its numbers, and what to do."""

    kind: Spoofing
    messages: int
    addresses: int
    evidence: str
    advice: str = ""


def spoofing(domain: str, *, messages: int, addresses: int, all_messages: int) -> SpoofingFound:
    """By the sums of the domain's failing sources (`Verdict.FAILING`) in the window; the first rule that applies."""
    share = messages / all_messages if all_messages > 0 else 0.0
    sent, senders = plural(messages, "message"), plural(addresses, "address", "addresses")
    evidence = f"{sent} ({share:.1%}) from {senders} sent as {domain} and failed"
    if messages < LEAST:
        return SpoofingFound(Spoofing.NONE, messages, addresses, evidence)
    if messages < MUCH:
        return SpoofingFound(Spoofing.SCATTERED, messages, addresses, evidence)
    if addresses < WIDE:
        advice = "look at these addresses first: a server of yours that was forgotten looks the same"
        return SpoofingFound(Spoofing.CONCENTRATED, messages, addresses, evidence, advice)
    advice = "nobody sets up so many servers for you: a policy of reject stops it"
    return SpoofingFound(Spoofing.WAVE, messages, addresses, evidence, advice)
