"""JSON is repaired where that loses nothing, as XML is."""

import json
from contextlib import suppress

import pytest

from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.reports import read_tls, tls_tree

WHOLE = json.dumps(tls_tree())
BOM = "\ufeff"


@pytest.mark.parametrize(
    ("document", "repair"),
    [
        (WHOLE + "\0", Repair.CONTROL_CHARACTERS),
        ("\0\0" + WHOLE + "\0\n\0", Repair.CONTROL_CHARACTERS),
        (WHOLE.replace('"certificate', '"cert\0ificate'), Repair.CONTROL_CHARACTERS),
        (BOM * 2 + WHOLE, Repair.LEADING_JUNK),
        (BOM * 3 + WHOLE, Repair.LEADING_JUNK),
        ("The report:\r\n" + WHOLE, Repair.LEADING_JUNK),
        (WHOLE + "\r\n-- \r\nScanned by a gateway {free}", Repair.TRAILING_JUNK),
        (WHOLE + "}", Repair.TRAILING_JUNK),
        (WHOLE + "\n```", Repair.TRAILING_JUNK),
        ("```json\n" + WHOLE, Repair.LEADING_JUNK),
        (")]}'\n" + WHOLE, Repair.LEADING_JUNK),
        (WHOLE.replace('"certificate', '"cert\x01ificate'), Repair.CONTROL_CHARACTERS),
        (WHOLE.replace(": ", ":\x0b", 1), Repair.CONTROL_CHARACTERS),
        (WHOLE.replace(": ", ":\u00a0", 1), Repair.CONTROL_CHARACTERS),
        (WHOLE.replace(", ", ",\u200b\ufeff"), Repair.CONTROL_CHARACTERS),
        (f"[{WHOLE}]", Repair.LIST_FORM),
        (f"[[{WHOLE}]]", Repair.LIST_FORM),
        (f" [ {WHOLE} , ] ", Repair.TRAILING_COMMA),
        (WHOLE.replace("]", ",]").replace("}", " , }"), Repair.TRAILING_COMMA),
        (WHOLE.replace("example.com", "exam\r\nple.com"), Repair.WRAPPED_LINE),
        (WHOLE.replace("example.com", "exam\n ple.com"), Repair.WRAPPED_LINE),
        (WHOLE.replace("STSv1", "\n STSv1"), Repair.WRAPPED_LINE),
        (WHOLE.replace(" STSv1", "\n STSv1"), Repair.WRAPPED_LINE),
        (WHOLE.replace("2026-01-02T23", "2026-01\r\n -02T23"), Repair.WRAPPED_LINE),
        (WHOLE.replace("Example Receiver", "Example\n Receiver"), Repair.WRAPPED_LINE),
        (WHOLE.replace('"contact-info"', '"contact\n-info"'), Repair.WRAPPED_LINE),
    ],
)
def test_what_was_done_to_a_report_on_the_way_is_undone(document: str, repair: Repair) -> None:
    report, expected = read_tls(document.encode()), read_tls(WHOLE.encode())

    assert repair in report.repairs
    if document.find("Example\n") < 0:
        assert report.model_copy(update={"repairs": ()}) == expected
    assert report.fingerprint == expected.fingerprint


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_one_byte_order_mark_is_no_repair(encoding: str) -> None:
    assert read_tls(WHOLE.encode(encoding)).repairs == ()


def test_a_tab_in_a_text_becomes_a_blank_and_is_noted() -> None:
    report = read_tls(WHOLE.replace("Example Receiver", "Example\tReceiver").encode())

    assert (report.org_name, report.repairs) == ("Example Receiver", (Repair.CONTROL_CHARACTERS,))
    assert read_tls(json.dumps(tls_tree(), indent="\t").encode()).repairs == ()


@pytest.mark.parametrize("name", ["policy", "summary", "failure-details"])
def test_two_different_sections_of_a_policy_contradict_each_other(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_tls(
            WHOLE.replace(f'"{name}":', f'"{name}": [{{"total-successful-session-count": 1}}], "{name}":').encode()
        )

    assert (refused.value.reason, refused.value.detail) == (Reason.AMBIGUOUS_REPORT, f"two different {name}")


@pytest.mark.parametrize(
    "document",
    [
        WHOLE.replace('"', "'"),
        WHOLE.replace("{", "{ // a remark\n", 1),
        WHOLE.replace(", ", " ", 1),
        WHOLE[:-5],
        WHOLE.replace("true", "True")
        .replace("2026", "NaN", 1)
        .replace('"report-id": "NaN', '"report-id": NaN, "x": "'),
        WHOLE.replace('"failed-session-count": 2', '"failed-session-count": 2\n 3'),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(document: str) -> None:
    if document == WHOLE:
        pytest.fail("nothing was changed")
    with pytest.raises(Rejected) as refused:
        read_tls(document.encode())

    assert refused.value.reason in (Reason.NOT_WELL_FORMED, Reason.NO_REPORT_CONTENT, Reason.BAD_PERIOD)


@pytest.mark.parametrize("written", ["2026-01-02t00:00:00z", "2026-01-02 00:00:00Z", "2026-01-02T01:00:00.250+01:00"])
def test_every_form_of_a_date_that_rfc_3339_has_is_valid(written: str) -> None:
    report = read_tls(WHOLE.replace("2026-01-02T00:00:00Z", written, 1).encode())

    assert (report.begin, report.repairs) == (read_tls(WHOLE.encode()).begin, ())


def test_a_leap_second_is_the_second_after() -> None:
    report = read_tls(WHOLE.replace("2026-01-02T23:59:59Z", "2026-01-02T23:59:60Z").encode())

    assert (report.end - read_tls(WHOLE.encode()).end, report.repairs) == (1, ())


@pytest.mark.parametrize("start", ["1999-01-02T00:00:00Z", "20260102", "1767312000000"])
def test_a_period_is_read_or_refused(start: str) -> None:
    document = WHOLE.replace("2026-01-02T00:00:00Z", start, 1).encode()
    if start.startswith("1999"):
        with pytest.raises(Rejected) as refused:
            read_tls(document)
        assert refused.value.reason is Reason.BAD_PERIOD
        assert "1999" in refused.value.detail
        return
    report = read_tls(document)
    assert report.repairs == (Repair.DATE_FORMAT,)
    assert report.raw["date-range/start-datetime"] == start


@pytest.mark.parametrize(
    "document", ['{"' * 50_000, "[" * 3000 + WHOLE, ('"' + "\n " * 50_000) * 3, '{"a":\n' * 20_000]
)
def test_hostile_texts_are_refused_in_good_time(document: str) -> None:
    with pytest.raises(Rejected):
        read_tls(document.encode())


@pytest.mark.parametrize("text", ["a\n b" * 300_000, "a" * 500_000 + "\n a" * 300_000])
def test_a_text_with_many_line_breaks_is_read_in_linear_time(text: str) -> None:
    document = json.dumps(tls_tree()).replace('"report-id": "', f'"report-id": "{text}', 1)

    with suppress(Rejected):
        read_tls(document.encode())  # quadratic, it would be hours
