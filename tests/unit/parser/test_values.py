"""Numbers and dates: what is read, what is repaired, what is no number and no date."""

import pytest

from parser.kinds import values
from pipeline.contracts.repairs import Repair

NOON = 1_699_963_200  # 2023-11-14T12:00:00Z
MIDNIGHT = 1_699_920_000


@pytest.mark.parametrize(
    "text", ["1,000", "1 000", "1'000", "1\u00a0000", "1000.0", "1000.", "1e3", "1E+3", "1.0e3", "+1000"]
)
def test_a_number_in_another_form_is_read_where_it_can_mean_but_one(text: str) -> None:
    assert values.count(text) == (1000, Repair.COUNT_FORM)


@pytest.mark.parametrize(
    ("text", "number"), [("1.000.000", 1_000_000), ("1,234,567", 1_234_567), ("007", 7), ("１２", 12), ("2.50e1", 25)]
)
def test_so_are_its_siblings(text: str, number: int) -> None:
    assert values.count(text) == (number, Repair.COUNT_FORM)


@pytest.mark.parametrize(
    "text",
    [
        "1.000",
        "12.345",
        "3.7",
        "1e-3",
        "1.5e0",
        "100%",
        "1,00",
        "1,0000",
        "1.000,5",
        "1,000.5",
        "0x10",
        "1_000",
        "three",
        "٣",
    ],
)
def test_what_is_no_whole_number_or_may_mean_two_is_none(text: str) -> None:
    assert values.count(text) == (0, Repair.UNREADABLE_COUNT)


@pytest.mark.parametrize("text", ["9" * 30, "1e19", "-" + "9" * 30, "9" * 5000, "9223372036854775808"])
def test_a_number_that_no_database_holds_is_told_apart(text: str) -> None:
    with pytest.raises(OverflowError):
        values.count(text)


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14T12:00:00Z",
        "2023-11-14t12:00:00z",
        "2023-11-14 12:00:00Z",
        "2023-11-14T12:00:00.5Z",
        "2023-11-14T12:00:00.123456789Z",
        "2023-11-14T13:30:00+01:30",
        "2023-11-14T12:00:00-00:00",
        "2023-11-14T11:59:60Z",
    ],
)
def test_every_form_of_rfc_3339_is_read(text: str) -> None:
    assert values.is_rfc3339(text)
    assert values.iso_epoch(text) == NOON


@pytest.mark.parametrize("text", ["2023-11-14T12:00:00", "2023-11-14", "2023-11-14T12:00Z", "20231114T120000Z", "noon"])
def test_what_has_no_time_or_no_zone_is_not_of_that_form(text: str) -> None:
    assert not values.is_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20231114", MIDNIGHT),
        ("202311141200", NOON),
        ("20231114120000", NOON),
        ("2023-11-14", MIDNIGHT),
        (f"{NOON}000", NOON),
        (f"{NOON}000000", NOON),
        (f"{NOON}000000000", NOON),
        (f"{NOON}.75", NOON),
        ("１６９９９６３２００.0", NOON),
    ],
)
def test_a_date_in_another_form_is_read(text: str, seconds: int) -> None:
    assert values.epoch(text) == (seconds, Repair.DATE_FORMAT)


def test_seconds_are_no_repair() -> None:
    assert values.epoch(f" {NOON} ") == (NOON, None)


@pytest.mark.parametrize(
    ("begin", "end"), [(0, 86399), (1_100_000_000, 1_100_086_399), (MIDNIGHT, MIDNIGHT - 1), (NOON, 4_200_000_000)]
)
def test_a_period_before_2010_or_after_2100_or_backwards_is_none(begin: int, end: int) -> None:
    assert not values.is_possible_period(begin=begin, end=end)


def test_the_example_of_the_specification_is_read_all_the_same() -> None:
    assert values.is_possible_period(begin=302_832_000, end=302_918_399)
    assert not values.is_possible_period(begin=302_832_000, end=302_918_400)
