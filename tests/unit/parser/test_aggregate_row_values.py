"""The records of an aggregate report as reporters really write them: how each is read, and what is noted."""

import pytest

from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import OverrideReason
from pipeline.errors import Rejected
from tests.support.reports import RECORD, changed, read_xml, report_xml

DKIM, SPF = "<result>pass</result>", "<result>softfail</result>"


@pytest.mark.parametrize(
    ("old", "new", "field", "word", "repair"),
    [
        ("<dkim>pass", "<dkim>Pass", "dkim", "pass", Repair.WORD_CASE),
        ("<spf>fail", "<spf>FAIL", "spf", "fail", Repair.WORD_CASE),
        ("<disposition>none", "<disposition>None", "disposition", "none", Repair.WORD_CASE),
        ("<spf>fail", "<spf>none", "spf", "fail", Repair.REPLACED_WORD),
        ("<spf>fail", "<spf>softfail", "spf", "fail", Repair.REPLACED_WORD),
        ("<disposition>none", "<disposition>softfail", "disposition", "quarantine", Repair.REPLACED_WORD),
        ("<disposition>none", "<disposition>delivered", "disposition", None, Repair.REPLACED_WORD),
        ("<disposition>none</disposition>", "<disposition/>", "disposition", None, Repair.MISSING_WORD),
        ("<dkim>pass</dkim>", "", "dkim", None, Repair.MISSING_WORD),
    ],
)
def test_a_word_of_policy_evaluated_is_normalised_and_kept_raw(old, new, field, word, repair):
    report, [row] = read_xml(changed(old, new))

    assert (getattr(row, field), report.repairs) == (word, (repair,))
    written = new.partition(">")[2].partition("<")[0]
    assert (row.raw or {}).get(f"policy_evaluated/{field}", "") == written


@pytest.mark.parametrize(
    ("old", "written", "word", "repair"),
    [
        (DKIM, "Pass", "pass", Repair.WORD_CASE),
        (DKIM, "unknown", "temperror", Repair.REPLACED_WORD),
        (DKIM, "error", "permerror", Repair.REPLACED_WORD),
        (DKIM, "invalid", "permerror", Repair.REPLACED_WORD),
        (DKIM, "not.evaluated", "none", Repair.REPLACED_WORD),
        (DKIM, "", "none", Repair.MISSING_WORD),
        (DKIM, "gibberish", "other", Repair.REPLACED_WORD),
        (SPF, "hardfail", "fail", Repair.REPLACED_WORD),
        (SPF, "unknown", "temperror", Repair.REPLACED_WORD),
        (SPF, "error", "permerror", Repair.REPLACED_WORD),
        (SPF, "SoftFail", "softfail", Repair.WORD_CASE),
        (SPF, "", "none", Repair.MISSING_WORD),
    ],
)
def test_a_result_is_normalised_and_kept_raw(old, written, word, repair):
    report, [row] = read_xml(changed(old, f"<result>{written}</result>"))

    result = row.dkim_results[0] if old == DKIM else row.spf_results[0]
    path = f"auth_results/{'dkim' if old == DKIM else 'spf'}/0/result"
    assert (result.result, report.repairs) == (word, (repair,))
    assert (row.raw or {}).get(path, "") == written


def test_a_repaired_result_is_noted_in_every_record_that_has_it():
    report, rows = read_xml(report_xml(records=RECORD.replace(DKIM, "<result>unknown</result>") * 3))

    assert report.repairs == (Repair.REPLACED_WORD,)
    assert [row.raw for row in rows] == [{"auth_results/dkim/0/result": "unknown"}] * 3


@pytest.mark.parametrize(
    ("reason", "expected", "repairs"),
    [
        ("<reason><type>forwarded</type></reason>", OverrideReason("forwarded", None), ()),
        ("<reason><type>sampled_out</type><comment>x</comment></reason>", OverrideReason("sampled_out", "x"), ()),
        ("<reason><type></type></reason>", OverrideReason("other", None), (Repair.MISSING_WORD,)),
        ("<reason><type>arc</type></reason>", OverrideReason("other", None), (Repair.REPLACED_WORD,)),
        ("<reason/>", OverrideReason("other", None), (Repair.MISSING_WORD,)),
        ("<reason>sampled_out</reason>", OverrideReason("sampled_out", None), (Repair.REASON_AS_TEXT,)),
    ],
)
def test_an_override_reason_may_be_empty_unknown_or_plain_text(reason, expected, repairs):
    report, [row] = read_xml(changed("</policy_evaluated>", f"{reason}</policy_evaluated>"))

    assert (row.reasons, report.repairs) == ((expected,), repairs)


def test_a_report_without_records_is_kept_as_empty():
    report, rows = read_xml(report_xml(records=""))

    assert (report.records, report.messages, rows) == (0, 0, [])
    assert report.repairs == (Repair.NO_RECORDS,)


EMPTY_RECORD = """<record><row><source_ip/><count>0</count><policy_evaluated><disposition/><dkim/><spf/>
</policy_evaluated></row><identifiers><header_from/></identifiers><auth_results><spf><domain/><result/></spf>
</auth_results></record>"""


def test_an_empty_record_is_dropped_and_the_report_kept():
    report, rows = read_xml(report_xml(records=EMPTY_RECORD))

    assert (rows, report.records, report.messages) == ([], 1, 0)
    assert Repair.EMPTY_RECORD in report.repairs


def test_a_record_without_source_ip_among_good_ones_keeps_its_count():
    report, rows = read_xml(report_xml(records=RECORD + RECORD.replace("192.0.2.1", "")))

    assert ([row.source_ip for row in rows], report.messages) == (["192.0.2.1", None], 6)
    assert report.repairs == (Repair.MISSING_SOURCE_IP,)


@pytest.mark.parametrize("written", ["108r.166.27.220", "mail.example.com", "192.0.2.0/24", "1.2.3", "999.1.1.1"])
def test_an_unreadable_source_ip_is_kept_raw(written):
    report, [row] = read_xml(changed("192.0.2.1", written))

    assert (row.source_ip, report.repairs) == (None, (Repair.UNREADABLE_SOURCE_IP,))
    assert row.raw == {"row/source_ip": written}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("192.000.002.010", "192.0.2.10"),
        ("fe80::1%eth0", "fe80::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("192.0.2.1/32", "192.0.2.1"),
    ],
)
def test_an_unusual_source_ip_is_read_and_kept_raw(written, read):
    report, [row] = read_xml(changed("192.0.2.1", written))

    assert (row.source_ip, report.repairs) == (read, (Repair.SOURCE_IP_FORM,))
    assert row.raw == {"row/source_ip": written}


@pytest.mark.parametrize(
    ("written", "count", "repairs"),
    [
        (" 5 ", 5, ()),
        ("+5", 5, (Repair.COUNT_FORM,)),
        ("4294967296", 2**32, ()),
        (str(2**63 - 1), 2**63 - 1, ()),
        ("1,234", 1234, (Repair.COUNT_FORM,)),
        ("12 345", 12345, (Repair.COUNT_FORM,)),
        ("7.0", 7, (Repair.COUNT_FORM,)),
        ("-2", -2, (Repair.COUNT_NOT_POSITIVE,)),
        ("0", 0, (Repair.COUNT_NOT_POSITIVE,)),
        ("not-a-number", 0, (Repair.UNREADABLE_COUNT,)),
        ("٣", 0, (Repair.UNREADABLE_COUNT,)),
        ("", 0, (Repair.MISSING_COUNT,)),
    ],
)
def test_a_count_is_read_as_a_whole_number(written, count, repairs):
    report, [row] = read_xml(changed("<count>3</count>", f"<count>{written}</count>"))

    assert (row.count, report.messages, report.repairs) == (count, count, repairs)


@pytest.mark.parametrize("written", [str(2**63), "9" * 5000, "-" + "9" * 30])
def test_a_count_beyond_63_bits_is_refused(written):
    with pytest.raises(Rejected) as refusal:
        read_xml(changed("<count>3</count>", f"<count>{written}</count>"))

    assert refusal.value.reason is Reason.BAD_VALUE


def test_counts_whose_sum_exceeds_63_bits_are_refused():
    records = RECORD.replace("<count>3", f"<count>{2**62}") * 2

    with pytest.raises(Rejected) as refusal:
        read_xml(report_xml(records=records))

    assert refusal.value.reason is Reason.BAD_VALUE


@pytest.mark.parametrize(
    ("start", "end", "repair"),
    [
        ("<identifiers>", "</identifiers>", Repair.MISSING_IDENTIFIERS),
        ("<auth_results>", "</auth_results>", Repair.MISSING_AUTH_RESULTS),
        ("<policy_evaluated>", "</policy_evaluated>", Repair.MISSING_POLICY_EVALUATED),
    ],
)
def test_a_record_may_lack_a_section(start, end, repair):
    part = RECORD[RECORD.index(start) : RECORD.index(end) + len(end)]

    report, [row] = read_xml(changed(part, ""))

    assert (report.repairs, row.count) == ((repair,), 3)


@pytest.mark.parametrize("written", ["<header_from/>", "<header_from> </header_from>", ""])
def test_a_record_may_lack_the_from_domain(written):
    report, [row] = read_xml(changed("<header_from>example.com</header_from>", written))

    assert (report.repairs, row.header_from) == ((Repair.MISSING_HEADER_FROM,), None)


def test_empty_result_domains_are_none():
    report, [row] = read_xml(changed("<domain>bounce.example.com</domain>", "<domain/>"))

    assert (report.repairs, row.spf_results[0].domain) == ((), None)


def test_helo_without_domain_is_a_result_too():
    spf = "<spf><scope>helo</scope><result>none</result></spf></auth_results>"

    report, [row] = read_xml(changed("</auth_results>", spf))

    assert (report.repairs, row.spf_results[1].scope) == ((), "helo")
