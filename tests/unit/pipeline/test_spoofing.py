"""Spoofing is told by volume and spread."""

import pytest

from pipeline.sources.spoofing import Spoofing, spoofing


@pytest.mark.parametrize(
    ("messages", "addresses", "kind"),
    [
        (0, 0, Spoofing.NONE),
        (19, 19, Spoofing.NONE),
        (20, 1, Spoofing.SCATTERED),
        (99, 99, Spoofing.SCATTERED),
        (100, 9, Spoofing.CONCENTRATED),
        (1_000_000, 1, Spoofing.CONCENTRATED),
        (100, 10, Spoofing.WAVE),
    ],
)
def test_what_fails_is_called_by_volume_and_spread(messages: int, addresses: int, kind: Spoofing) -> None:
    found = spoofing("example.com", messages=messages, addresses=addresses, all_messages=messages + 100)

    assert found.kind is kind
    assert f"{messages:,} messages" in found.evidence
    assert bool(found.advice) == (kind in (Spoofing.CONCENTRATED, Spoofing.WAVE))


def test_a_domain_without_messages_is_not_spoofed() -> None:
    assert "(0.0%)" in spoofing("example.com", messages=0, addresses=0, all_messages=0).evidence
