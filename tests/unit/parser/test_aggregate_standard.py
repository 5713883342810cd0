"""Aggregate reports as RFC 7489 and RFC 9990 describe them: nothing to repair."""

import pytest

from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import DkimResult, OverrideReason, Policy, Record, SpfResult
from tests.support.reports import BEGIN, END, POLICY, RECORD, changed, read_xml, report_xml

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"


def test_a_plain_report_is_read_in_full():
    report, rows = read_xml(report_xml())

    assert report.repairs == ()
    assert (report.org_name, report.report_id, report.domain) == ("Example Receiver", "r-1", "example.com")
    assert (report.begin, report.end, report.records, report.messages) == (BEGIN, END, 1, 3)
    assert (report.email, report.version) == ("dmarc@receiver.example", "1.0")
    assert report.policy == Policy(domain="example.com", p="reject", sp="none", adkim="r", aspf="s", pct=100, fo="1")
    assert rows == [
        Record(
            source_ip="192.0.2.1",
            count=3,
            disposition="none",
            dkim="pass",
            spf="fail",
            reasons=(),
            header_from="example.com",
            envelope_from=None,
            envelope_to=None,
            dkim_results=(DkimResult("example.com", "s1", "pass", None),),
            spf_results=(SpfResult("bounce.example.com", "mfrom", "softfail", None),),
            raw=None,
        )
    ]


RFC_9990 = f"""<feedback xmlns="{NAMESPACE}" xmlns:x="https://vendor.example/x"><version>2.0</version>
<report_metadata><report_id>id@receiver.example</report_id><generator>Maker 1.2</generator>
<error lang="de">zu langsam</error><date_range><end>{END}</end><begin>{BEGIN}</begin></date_range>
<extra_contact_info lang="de">Hilfe</extra_contact_info><email>a@receiver.example</email>
<org_name>Receiver</org_name></report_metadata>
<policy_published><discovery_method>treewalk</discovery_method><testing>y</testing><np>reject</np>
<domain>example.com</domain><p>quarantine</p></policy_published>
<extension><x:trace x:depth="2"><x:row>no row</x:row></x:trace></extension>
<record><row><policy_evaluated><disposition>pass</disposition><dkim>pass</dkim><spf>pass</spf>
<reason><comment lang="fr">essai</comment><type>policy_test_mode</type></reason></policy_evaluated>
<count>2</count><source_ip>2001:DB8::1</source_ip></row>
<identifiers><envelope_from/><header_from>sub.example.com</header_from></identifiers>
<auth_results><dkim><result>pass</result><human_result lang="fr">bon</human_result><selector>s</selector>
<domain>example.com</domain></dkim><spf><result>policy</result><human_result>why</human_result></spf></auth_results>
<x:row>vendor</x:row></record></feedback>"""


def test_a_report_of_rfc_9990_is_read_in_full_in_any_order():
    report, [row] = read_xml(RFC_9990)

    assert report.repairs == ()
    assert (report.namespace, report.generator, report.errors) == (NAMESPACE, "Maker 1.2", ("zu langsam",))
    assert report.policy == Policy(
        domain="example.com", p="quarantine", np="reject", testing="y", discovery_method="treewalk"
    )
    assert (row.source_ip, row.count, row.disposition) == ("2001:db8::1", 2, "pass")
    assert row.reasons == (OverrideReason("policy_test_mode", "essai"),)
    assert row.dkim_results == (DkimResult("example.com", "s", "pass", "bon"),)
    assert row.spf_results == (SpfResult(None, None, "policy", "why"),)
    assert (row.header_from, row.envelope_from) == ("sub.example.com", None)


def test_languages_are_kept_beside_the_texts():
    report, [row] = read_xml(RFC_9990)

    assert report.raw["report_metadata/extra_contact_info/@lang"] == "de"
    assert row.raw is not None
    assert row.raw["policy_evaluated/reason/0/comment/@lang"] == "fr"
    assert row.raw["auth_results/dkim/0/human_result/@lang"] == "fr"


def test_extensions_are_ignored_but_named():
    report, [row] = read_xml(RFC_9990)

    assert "extension/trace" in report.extensions
    assert row.count == 2


@pytest.mark.parametrize(
    "opening",
    [
        '<feedback xmlns="http://dmarc.org/dmarc-xml/0.1">',
        '<feedback xmlns="http//dmarc.org/dmarc-xml/0.1">',  # misspelt, seen in a real report
        '<feedback xmlns:xsd="http://www.w3.org/2001/XMLSchema">',  # declared, never used
        f'<feedback xmlns="{NAMESPACE}">',
    ],
)
def test_a_namespace_may_be_there_or_not(opening):
    report, rows = read_xml(report_xml().replace("<feedback>", opening))

    assert (report.repairs, len(rows)) == ((), 1)


def test_a_prefixed_root_may_have_children_without_namespace():
    document = report_xml().replace("<feedback>", '<ns1:feedback xmlns:ns1="http://dmarc.org/dmarc-xml/0.1">')

    report, rows = read_xml(document.replace("</feedback>", "</ns1:feedback>"))

    assert (report.repairs, len(rows)) == ((), 1)


def test_every_element_may_be_prefixed():
    document = report_xml().replace("<", "<d:").replace("<d:/", "</d:").replace("<d:?", "<?")
    document = document.replace("<d:feedback>", f'<d:feedback xmlns:d="{NAMESPACE}">')

    report, rows = read_xml(document)

    assert (report.repairs, len(rows)) == ((), 1)


def test_sections_may_come_in_any_order():
    report, rows = read_xml(f"<feedback>{RECORD}{report_xml().split('1.0</version>')[1]}")

    assert (report.repairs, report.records, len(rows)) == ((), 2, 2)


def test_dkim_and_spf_may_come_in_either_order():
    dkim = RECORD[RECORD.index("<dkim><domain>") : RECORD.index("<spf><domain>")]
    document = changed(dkim, "").replace("</spf></auth_results>", f"</spf>{dkim}</auth_results>")

    report, [row] = read_xml(document)

    assert report.repairs == ()
    assert (len(row.dkim_results), len(row.spf_results)) == (1, 1)


def test_several_results_keep_their_order():
    dkim = "".join(f"<dkim><domain>d{i}.example</domain><result>fail</result></dkim>" for i in range(3))
    spf = "<spf><domain>a.example</domain><scope>helo</scope><result>none</result></spf>"

    report, [row] = read_xml(changed("<auth_results>", f"<auth_results>{spf}{dkim}"))

    assert report.repairs == ()
    assert [result.domain for result in row.dkim_results] == [
        "d0.example", "d1.example", "d2.example", "example.com",
    ]  # fmt: skip
    assert [result.scope for result in row.spf_results] == ["helo", "mfrom"]


def test_optional_parts_may_be_missing():
    policy = "<policy_published><domain>example.com</domain><p>none</p></policy_published>"

    report, _ = read_xml(report_xml(policy=policy))

    assert report.repairs == ()
    assert report.policy == Policy(domain="example.com", p="none")


def test_an_empty_sp_is_no_repair():
    report, _ = read_xml(changed("<sp>none</sp>", "<sp></sp>"))

    assert (report.repairs, report.policy.sp) == ((), None)


@pytest.mark.parametrize("part", ["<selector>s1</selector>", "<scope>mfrom</scope>"])
def test_a_result_may_lack_selector_and_scope(part):
    report, _ = read_xml(changed(part, ""))

    assert report.repairs == ()


def test_an_empty_auth_results_is_no_repair():
    start, end = RECORD.index("<auth_results>"), RECORD.index("</record>")

    report, [row] = read_xml(report_xml(records=f"{RECORD[:start]}<auth_results/>{RECORD[end:]}"))

    assert (report.repairs, row.dkim_results, row.spf_results) == ((), (), ())


def test_unknown_elements_in_a_row_are_ignored():
    report, [row] = read_xml(changed("<count>", "<category>spam</category><count>"))

    assert (report.repairs, row.count) == ((), 3)


def test_dns_tags_in_the_policy_are_ignored():
    report, _ = read_xml(changed("<fo>1</fo>", "<fo>1</fo><rf>afrf</rf><ri>86400</ri>"))

    assert report.repairs == ()


@pytest.mark.parametrize("version", ["", "<version>0.1</version>", "<version>0</version>", "<version>2.0</version>"])
def test_any_version_is_accepted(version):
    report, _ = read_xml(changed("<version>1.0</version>", version))

    assert report.repairs == ()


@pytest.mark.parametrize("begin", [END, END - 17_409_600])
def test_a_period_may_be_empty_or_months_long(begin):
    report, _ = read_xml(changed(str(BEGIN), str(begin)))

    assert (report.repairs, report.begin, report.end) == ((), begin, END)


def test_white_space_round_numbers_is_legal():
    report, _ = read_xml(changed(f"<end>{END}</end>", f"<end>\n {END} </end>"))

    assert (report.repairs, report.end) == ((), END)


@pytest.mark.parametrize(
    "report_id",
    [
        "13024183250114537251",
        "1738373635.598882",
        "5c9a8$6ff2=1a2b@mail.receiver.example",
        "example.com:1738191900",
        "a!b!c!1700000000!word",
        "f3cc1fba1c6da549e551dccf2d8d37a4229516e20d5c7416edc847a0750aebb3",
        "2f1a4d5c-8f5e-4f7a-9a5e-1c2d3e4f5a6b",
    ],
)
def test_a_report_id_is_opaque_text(report_id):
    report, _ = read_xml(changed("r-1", report_id))

    assert (report.report_id, report.repairs) == (report_id, ())


def test_one_pair_of_angle_brackets_is_taken_off_the_report_id():
    report, _ = read_xml(changed("r-1", "&lt;&lt;a@b&gt;&gt;"))

    assert (report.report_id, report.repairs) == ("<a@b>", ())


def test_line_ends_and_tabs_in_the_report_id_collapse():
    report, _ = read_xml(changed("r-1", "part-1\n\t part-2"))

    assert report.report_id == "part-1 part-2"


def test_domains_are_folded_and_the_raw_word_is_kept():
    report, [row] = read_xml(report_xml(policy=POLICY.replace("example.com", "Example.COM.")))

    assert (report.domain, report.raw["policy_published/domain"]) == ("example.com", "Example.COM.")
    assert row.header_from == "example.com"


@pytest.mark.parametrize(
    ("written", "read"),
    [("MAIL.Example.com.", "mail.example.com"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_a_header_from_is_canonical_and_its_raw_form_is_kept(written, read):
    _, [row] = read_xml(changed("<header_from>example.com", f"<header_from>{written}"))

    assert row.header_from == read
    assert (row.raw or {}).get("identifiers/header_from", written) == written


def test_an_ipv4_mapped_address_is_an_ipv4_address():
    report, [row] = read_xml(changed("192.0.2.1", "::ffff:192.0.2.7"))

    assert (report.repairs, row.source_ip) == ((Repair.SOURCE_IP_FORM,), "192.0.2.7")


def test_several_header_from_values_may_occur_in_one_report():
    records = RECORD + RECORD.replace("<header_from>example.com", "<header_from>sub.example.com")

    report, rows = read_xml(report_xml(records=records))

    assert ([row.header_from for row in rows], report.domain) == (["example.com", "sub.example.com"], "example.com")


def test_the_org_name_is_trimmed_but_not_folded():
    report, _ = read_xml(changed("Example Receiver", "Yahoo! Inc. &amp; Söhne"))

    assert report.org_name == "Yahoo! Inc. & Söhne"
