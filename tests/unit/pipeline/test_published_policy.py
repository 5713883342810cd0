"""The policy that DNS has, compared with the one that reports saw."""

import pytest

from pipeline.dns.organisation import records
from pipeline.dns.published import PolicyTags, Reported, differences, tags_in_dns

RECORD = "v=DMARC1; p=quarantine; rua=mailto:a@example.com"
SEEN = PolicyTags(p="quarantine", sp="quarantine", adkim="r", aspf="r")


def in_dns(text: str, *, is_parent: bool = False) -> PolicyTags:
    [record] = records([text], "DMARC1")
    return tags_in_dns(record, is_parent=is_parent)


def seen(reports: int, **tags: str | None) -> Reported:
    return Reported(PolicyTags(**{"p": "quarantine", "sp": "quarantine", "adkim": "r", "aspf": "r", **tags}), reports)


@pytest.mark.parametrize(
    ("record", "reported", "found"),
    [
        (RECORD, [seen(10)], []),
        (RECORD, [], []),
        (RECORD, [seen(2, p="none")], []),  # too few to say
        (RECORD, [seen(10), seen(10, p="none")], []),  # half of them
        (RECORD, [seen(1), seen(9, p="none")], [("p", "quarantine", "none", 9, 10)]),
        (RECORD, [seen(9, sp="none")], [("sp", "quarantine", "none", 9, 9)]),
        (f"{RECORD}; sp=none", [seen(9, sp="none")], []),
        (f"{RECORD}; SP=None", [seen(9, sp="none")], []),
        (f"{RECORD}; adkim=s", [seen(9)], [("adkim", "s", "r", 9, 9)]),
        (f"{RECORD}; np=reject", [seen(9)], []),  # reporters of RFC 7489 know no np
        (f"{RECORD}; np=reject", [seen(9, np="quarantine")], [("np", "reject", "quarantine", 9, 9)]),
        (f"{RECORD}; sp=reject", [seen(9, sp="reject", np="reject")], []),
        (f"{RECORD}; t=y", [seen(9, t="n")], [("t", "y", "n", 9, 9)]),
        (f"{RECORD}; t=y", [seen(9)], []),
        (f"{RECORD}; pct=10", [seen(9, t="n")], []),
        ("v=DMARC1; p=rejekt; rua=mailto:a@example.com", [seen(9, p="none", sp="none")], []),
    ],
)
def test_what_most_reports_say_otherwise_is_a_difference(
    record: str, reported: list[Reported], found: list[tuple[str, str, str, int, int]]
) -> None:
    differing = differences(in_dns(record), reported)

    assert [(one.tag, one.in_dns, one.seen, one.reports, one.counted) for one in differing] == found


def test_the_record_of_a_parent_speaks_by_its_sp() -> None:
    found = in_dns(f"{RECORD}; sp=reject", is_parent=True)

    assert (found.p, found.sp, found.np) == ("reject", "reject", "reject")


def test_a_difference_says_its_numbers() -> None:
    [one] = differences(in_dns(RECORD), [seen(1200, p="none"), seen(3)])

    assert one.text == "DNS has p=quarantine, and 1,200 of 1,203 reports since then say p=none"
