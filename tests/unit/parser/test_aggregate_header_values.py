"""The header of an aggregate report as reporters really write it: how it is read, and the repair that is noted."""

import pytest

from parser.kinds.reading import Hints
from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.reports import BEGIN, END, METADATA, changed, read_xml, report_xml


@pytest.mark.parametrize(
    ("old", "new", "repairs"),
    [
        ("<sp>none</sp>", "<sp>nil</sp>", (Repair.UNKNOWN_POLICY_WORD,)),
        ("<p>reject</p>", "<p>Reject</p>", (Repair.WORD_CASE,)),
        ("<p>reject</p>", "", (Repair.MISSING_POLICY_WORD,)),
        ("<p>reject</p>", "<p/>", (Repair.MISSING_POLICY_WORD,)),
        ("<adkim>r</adkim>", "<adkim>relaxed</adkim>", (Repair.REPLACED_WORD,)),
        ("<pct>100</pct>", "<pct>all</pct>", (Repair.UNREADABLE_PCT,)),
        ("<pct>100</pct>", "<pct>101</pct>", (Repair.UNREADABLE_PCT,)),
    ],
)
def test_a_word_of_the_published_policy_may_be_odd(old, new, repairs):
    report, _ = read_xml(changed(old, new))

    assert report.repairs == repairs
    assert len(report.raw) == (1 if new.partition(">")[2] else 0)


def test_a_word_that_a_draft_knew_is_kept_raw_without_a_repair():
    report, _ = read_xml(changed("<fo>1</fo>", "<discovery_method>psd</discovery_method>"))

    assert (report.repairs, report.policy.discovery_method) == ((), None)
    assert report.raw == {"policy_published/discovery_method": "psd"}


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (f"{BEGIN}.0", BEGIN),
        (f"{BEGIN}000", BEGIN),
        ("2023-11-14T22:13:20Z", BEGIN),
        ("2023-11-14T22:13:20", BEGIN),
    ],
)
def test_a_begin_may_be_decimal_milliseconds_or_iso(written, moment):
    report, _ = read_xml(changed(f"<begin>{BEGIN}</begin>", f"<begin>{written}</begin>"))

    assert (report.begin, report.repairs) == (moment, (Repair.DATE_FORMAT,))
    assert report.raw == {"date_range/begin": written}


@pytest.mark.parametrize("written", ["integer", "0", "-5", str(END + 1), "4102444800", "9" * 30])
def test_an_impossible_period_is_refused(written):
    with pytest.raises(Rejected) as refusal:
        read_xml(changed(f"<begin>{BEGIN}</begin>", f"<begin>{written}</begin>"))

    assert refusal.value.reason is Reason.BAD_PERIOD


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<report_id>r-1</report_id>", "", Reason.MISSING_REPORT_ID),
        ("<report_id>r-1</report_id>", "<report_id>&lt;&gt;</report_id>", Reason.MISSING_REPORT_ID),
        ("<domain>example.com</domain><adkim>", "<adkim>", Reason.MISSING_DOMAIN),
        ("<domain>example.com</domain><adkim>", "<domain> . </domain><adkim>", Reason.MISSING_DOMAIN),
        (f"<begin>{BEGIN}</begin>", "", Reason.MISSING_PERIOD),
        (f"<end>{END}</end>", "<end/>", Reason.MISSING_PERIOD),
        ("<date_range>", "<date>", Reason.NOT_WELL_FORMED),
    ],
)
def test_a_report_without_identity_is_refused(old, new, reason):
    with pytest.raises(Rejected) as refusal:
        read_xml(changed(old, new))

    assert refusal.value.reason is reason


def test_a_report_without_policy_is_refused():
    with pytest.raises(Rejected) as refusal:
        read_xml(report_xml(policy=""))

    assert refusal.value.reason is Reason.MISSING_POLICY


def test_a_report_without_metadata_is_refused():
    with pytest.raises(Rejected) as refusal:
        read_xml(report_xml(metadata=""))

    assert refusal.value.reason is Reason.MISSING_REPORT_ID


ORG = "<org_name>Example Receiver</org_name>"


@pytest.mark.parametrize(
    ("hints", "name", "repair"),
    [
        (Hints(file_name="rcv.example!example.com!1!2.xml"), "rcv.example", Repair.ORG_FROM_FILE_NAME),
        (Hints(file_name="!example.com!1!2.xml", from_domain="mx.example"), "mx.example", Repair.ORG_FROM_MAIL),
        (Hints(file_name="report.xml"), "receiver.example", Repair.ORG_FROM_CONTACT),
    ],
)
@pytest.mark.parametrize("empty", ["", "<org_name/>", "<org_name>  </org_name>"])
def test_a_missing_org_name_is_taken_from_elsewhere(hints, name, repair, empty):
    report, _ = read_xml(changed(ORG, empty), hints=hints)

    assert (report.org_name, report.repairs) == (name, (repair,))


def test_a_report_that_nobody_signed_is_kept_without_a_name():
    metadata = METADATA.replace(ORG, "").replace("<email>dmarc@receiver.example</email>", "<email/>")

    report, _ = read_xml(report_xml(metadata=metadata))

    assert (report.org_name, report.email) == ("", None)
    assert report.repairs == (Repair.MISSING_CONTACT, Repair.MISSING_ORG_NAME)


@pytest.mark.parametrize("old", ["Example Receiver", "r-1", "dmarc@receiver.example"])
def test_white_space_round_a_text_of_the_header_is_trimmed_and_noted(old):
    plain, _ = read_xml(report_xml())

    report, _ = read_xml(changed(old, f"\n  {old} "))

    assert report.repairs == (Repair.SURROUNDING_SPACE,)
    assert (report.org_name, report.report_id, report.email) == (plain.org_name, plain.report_id, plain.email)


def test_error_elements_are_a_list():
    report, _ = read_xml(changed("<date_range>", "<error>one</error><error>two</error><date_range>"))

    assert (report.errors, report.repairs) == (("one", "two"), ())


def test_a_text_over_the_limit_is_cut_and_noted():
    report, _ = read_xml(changed("Example Receiver", "é" * 5000), limits=Limits(max_text_bytes=101))

    assert (report.org_name, report.repairs) == ("é" * 50, (Repair.TEXT_CUT,))


def test_c1_control_characters_are_removed_from_texts_and_noted():
    report, _ = read_xml(changed("Example Receiver", "Example\u009b31m Receiver"))

    assert (report.org_name, report.repairs) == ("Example31m Receiver", (Repair.CONTROL_CHARACTERS,))
