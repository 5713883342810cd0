"""Documents that are not XML as it should be: what can be repaired is read whole, the rest is refused."""

import pytest

from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.reports import DECLARATION, METADATA, POLICY, RECORD, changed, read_xml, report_xml


def reason_of(document: str | bytes) -> Reason:
    with pytest.raises(Rejected) as refusal:
        read_xml(document)
    return refusal.value.reason


@pytest.mark.parametrize(
    "encoded",
    [
        report_xml().encode("utf-8-sig"),
        report_xml().encode("utf-16"),  # the declaration lies, the byte order mark wins
        report_xml().replace("UTF-8", "UTF-16").encode("utf-16"),
        report_xml().replace("UTF-8", "UTF-16").encode("utf-16-le"),
        report_xml().replace("UTF-8", "windows-1252").encode("cp1252"),
        report_xml().replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        report_xml().removeprefix(DECLARATION).encode(),
        report_xml().replace("\n", "").encode(),
    ],
)
def test_the_usual_encodings_need_no_repair(encoded):
    report, rows = read_xml(encoded)

    assert (report.repairs, len(rows)) == ((), 1)


def test_windows_1252_texts_are_decoded():
    document = changed("Example Receiver", "Söhne – Co").replace("UTF-8", "windows-1252")

    report, _ = read_xml(document.encode("cp1252"))

    assert (report.org_name, report.repairs) == ("Söhne – Co", ())


@pytest.mark.parametrize(("raw", "text"), [(b"\x91Caf\xe9\x92", "‘Café’"), (b"M\xfcller \xc3\xa9", "Müller é")])
def test_bytes_that_are_invalid_in_utf_8_are_read_as_windows_1252(raw, text):
    report, _ = read_xml(report_xml().encode().replace(b"Example Receiver", raw))

    assert (report.org_name, report.repairs) == (text, (Repair.RE_ENCODED,))


@pytest.mark.parametrize("encoding", ["idna", "rot13", "x-nothing", "utf-7", "utf-16"])
def test_a_declared_encoding_that_makes_no_sense_is_ignored(encoding):
    _, rows = read_xml(report_xml().replace("UTF-8", encoding))

    assert len(rows) == 1


@pytest.mark.parametrize("junk", [" ", "\n\n", "junk ", "Here is the report: <b>"])
def test_junk_before_the_declaration_is_cut_off(junk):
    report, rows = read_xml(junk + report_xml())

    assert (report.repairs, len(rows)) == ((Repair.LEADING_JUNK,), 1)


def test_a_stray_quote_behind_the_declaration_is_cut_off():
    report, _ = read_xml(report_xml().replace("?>", '?>"'))

    assert report.repairs == (Repair.LEADING_JUNK,)


@pytest.mark.parametrize("junk", ["trailing text", "\0\0\0", "</html>", "<!-- a --> x"])
def test_junk_behind_the_report_is_cut_off(junk):
    report, rows = read_xml(report_xml() + junk)

    assert set(report.repairs) & {Repair.TRAILING_JUNK, Repair.CONTROL_CHARACTERS}
    assert len(rows) == 1


def test_a_schema_wrapper_that_nothing_closes_is_removed():
    wrapper = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://dmarc.org/dmarc-xml/0.1">'

    report, _ = read_xml(report_xml().replace("<feedback>", f"{wrapper}\n<feedback>"))

    assert report.repairs == (Repair.SCHEMA_WRAPPER,)


@pytest.mark.parametrize(
    ("old", "written"),
    [
        ("dmarc@receiver.example", "Help <help@receiver.example>"),
        ("dmarc@receiver.example", "<>"),
        ("dmarc@receiver.example", "Support <support>"),
        ("https://receiver.example/help", "https://receiver.example/?a=1&b=2&amp;c=3"),
        ("Example Receiver", "Smith & Sons <3"),
        ("Example Receiver", "AT&T; Inc. &nbsp;"),
    ],
)
def test_raw_mark_up_characters_in_a_text_are_read_as_text(old, written):
    report, [row] = read_xml(changed(old, written))

    assert report.repairs == (Repair.STRAY_MARKUP,)
    assert written.replace("&amp;", "&") in (report.email, report.org_name, report.extra_contact_info)
    assert row.count == 3


def test_an_end_tag_without_its_first_character_is_repaired():
    report, rows = read_xml(changed("r-1</report_id>", "202504210000000/report_id>"))

    assert (report.report_id, report.repairs) == ("202504210000000", (Repair.BROKEN_END_TAG,))
    assert len(rows) == 1


@pytest.mark.parametrize("character", ["\0", "\x01", "\x1b", "&#0;", "&#x1f;"])
def test_characters_that_xml_forbids_are_removed(character):
    report, _ = read_xml(changed("Example Receiver", f"Example{character} Receiver"))

    assert (report.org_name, report.repairs) == ("Example Receiver", (Repair.CONTROL_CHARACTERS,))


def test_a_prefix_that_is_not_declared_is_removed():
    document = report_xml().replace("<feedback>", "<ns1:feedback>").replace("</feedback>", "</ns1:feedback>")

    report, _ = read_xml(document)

    assert report.repairs == (Repair.UNDECLARED_PREFIX,)


def test_attributes_that_are_not_xml_are_removed():
    report, _ = read_xml(changed("<record>", "<record id=7 class>"))

    assert report.repairs == (Repair.BROKEN_ATTRIBUTES,)


def test_a_missing_end_of_the_whole_report_is_repaired_where_all_records_are_complete():
    report, rows = read_xml(report_xml(records=RECORD * 2).removesuffix("</feedback>"))

    assert (report.repairs, len(rows)) == ((Repair.MISSING_ROOT_END,), 2)


@pytest.mark.parametrize("length", [len(RECORD) // 2, len(RECORD) - 3, 1, 7])
def test_a_document_cut_off_inside_a_record_is_refused(length):
    whole = report_xml(records=RECORD + RECORD)

    document = whole[: whole.rindex("<record>") + length]

    assert reason_of(document) in (Reason.RECORDS_LOST, Reason.NOT_WELL_FORMED)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4])
def test_a_document_cut_off_in_its_header_is_refused(share):
    whole = report_xml()

    assert reason_of(whole[: int(len(whole) * share)]) in (
        Reason.RECORDS_LOST, Reason.NOT_WELL_FORMED, Reason.NO_REPORT_CONTENT,
    )  # fmt: skip


def test_an_unclosed_metadata_section_is_refused():
    assert reason_of(changed("</report_metadata>", "")) is Reason.NOT_WELL_FORMED


def test_a_document_that_lost_its_middle_is_refused():
    whole = report_xml()

    damaged = whole[: whole.index("<adkim>")] + whole[whole.index("<result>softfail") :]

    assert reason_of(damaged) is Reason.NOT_WELL_FORMED


@pytest.mark.parametrize(
    "content",
    ["unused", "this is not xml\n", "A text file", "<html><body>Error</body></html>", "\x89PNG\r\n\x1a\n\0\0", "{}"],
)
def test_what_is_no_report_is_refused_as_such(content):
    assert reason_of(content.encode("latin-1")) is Reason.NO_REPORT_CONTENT


@pytest.mark.parametrize("content", [b"", b" \r\n", b"\xef\xbb\xbf", b"\0\0"])
def test_an_empty_file_is_refused_as_such(content):
    assert reason_of(content) is Reason.EMPTY_DOCUMENT


def test_other_xml_is_no_report():
    assert reason_of("<?xml version='1.0'?><root><item/></root>") is Reason.NO_REPORT_CONTENT


def test_names_in_another_case_are_understood():
    document = (
        report_xml().replace("record>", "Record>").replace("feedback>", "Feedback>").replace("org_name", "ORG_NAME")
    )

    report, rows = read_xml(document)

    assert (report.org_name, len(rows)) == ("Example Receiver", 1)
    assert report.repairs == (Repair.ELEMENT_NAME_CASE,)


def test_identities_stand_for_identifiers():
    report, [row] = read_xml(report_xml().replace("identifiers>", "identities>"))

    assert (row.header_from, report.repairs) == ("example.com", (Repair.MISSPELT_ELEMENT,))


@pytest.mark.parametrize(
    ("old", "repeated"),
    [
        ("<email>", "<email>first@receiver.example</email>"),
        ("<identifiers>", "<identifiers><header_from> example.com </header_from></identifiers>"),
        ("<count>", "<count>3</count>"),
        ("<domain>example.com</domain><adkim>", "<domain>example.com</domain>"),
    ],
)
def test_of_a_repeated_element_the_first_one_counts(old, repeated):
    report, [row] = read_xml(changed(old, repeated + old))

    assert Repair.REPEATED_ELEMENT in report.repairs
    assert row.count == 3
    assert report.email in ("first@receiver.example", "dmarc@receiver.example")


@pytest.mark.parametrize(
    ("old", "repeated"),
    [
        ("<row>", "<row><source_ip>192.0.2.99</source_ip><count>3</count></row>"),
        ("<identifiers>", "<identifiers><header_from>first.example</header_from></identifiers>"),
        ("<header_from>", "<header_from>first.example</header_from>"),
        ("<source_ip>", "<source_ip>192.0.2.99</source_ip>"),
        ("<count>", "<count>4</count>"),
        ("<domain>example.com</domain><adkim>", "<domain>first.example</domain>"),
        ("<report_id>", "<report_id>r-0</report_id>"),
        ("<org_name>", "<org_name>Somebody</org_name>"),
        ("<begin>", "<begin>1600000000</begin>"),
        ("<date_range>", "<date_range><begin>1600000000</begin><end>1600086399</end></date_range>"),
    ],
)
def test_a_report_that_says_two_things_about_identity_address_or_count_is_refused(old, repeated):
    assert reason_of(changed(old, repeated + old)) is Reason.AMBIGUOUS_REPORT


def test_two_equal_published_policies_are_one():
    report, rows = read_xml(report_xml(policy=POLICY * 2))

    assert (report.repairs, report.domain, len(rows)) == ((Repair.REPEATED_ELEMENT,), "example.com", 1)


def test_two_published_policies_are_refused_where_they_differ():
    assert reason_of(report_xml(policy=POLICY + POLICY.replace("reject", "none"))) is Reason.AMBIGUOUS_REPORT


def test_two_metadata_sections_are_refused_where_they_differ():
    other = METADATA.replace("r-1", "r-2")

    assert reason_of(report_xml(metadata=METADATA + other)) is Reason.AMBIGUOUS_REPORT
    assert read_xml(report_xml(metadata=METADATA * 2))[0].repairs == (Repair.REPEATED_ELEMENT,)


def test_two_reports_in_one_document_are_refused():
    assert reason_of(report_xml() + report_xml().removeprefix(DECLARATION)) is Reason.AMBIGUOUS_REPORT


def test_cdata_and_comments_are_text_and_nothing():
    document = changed("Example Receiver", "Example<!-- x --> <![CDATA[Receiver]]>")

    assert read_xml(document)[0].repairs == ()
    assert read_xml(document)[0].org_name == "Example Receiver"
    assert read_xml(" " + document)[0].org_name == "Example Receiver"


def test_a_repaired_document_says_the_same_as_an_undamaged_one():
    whole, rows = read_xml(report_xml(records=RECORD * 3))

    repaired, repaired_rows = read_xml("x" + report_xml(records=RECORD * 3) + "\0")

    assert (repaired_rows, repaired.fingerprint) == (rows, whole.fingerprint)
