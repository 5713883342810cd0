"""A domain name is one, or something is taken off from round it, or it is none."""

import pytest

from parser.kinds.domains import read_domain
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.reports import POLICY, changed, read_tls, read_xml, report_xml, tls_tree


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.Com.", "example.com"),
        (" example.com\n", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ．com", "example.com"),
        ("s1._domainkey.example.com", "s1._domainkey.example.com"),
        ("bank", "bank"),
        (".".join(["a" * 61] * 4), ".".join(["a" * 61] * 4)),
    ],
)
def test_a_domain_name_is_given_in_its_canonical_form(text: str, name: str) -> None:
    assert read_domain(text) == (name, None)


@pytest.mark.parametrize(
    "text",
    [
        "<example.com>",
        "example.com;",
        "example.com<<<",
        "<<example.com",
        "someone@example.com",
        "@example.com",
        "<someone@example.com>",
        "Some One <someone@example.com>",
        "http://example.com/",
        "https://someone@example.com:8443/path?x=y#z",
        "mailto:someone@example.com",
        "example.com (policy domain)",
        "(one (in another)) example.com",
        '"example.com"',
        "'example.com',",
        "[example.com]",
        "example.com:25",
        "example.com/",
        "example.com..",
    ],
)
def test_what_stands_round_a_domain_name_is_taken_off(text: str) -> None:
    assert read_domain(text) == ("example.com", Repair.DOMAIN_FORM)


@pytest.mark.parametrize(
    "text",
    [
        "a b.example",
        "one.example, two.example",
        "one.example two.example",
        "example..com",
        ".example.com",
        "-example.com",
        "example-.com",
        "*.example.com",
        "-",
        "<>",
        "192.0.2.1",
        "[192.0.2.1]",
        "2001:db8::1",
        "a@b@example.com",
        "example.com<other",
        "one.example <two.example>",
        "x" * 64 + ".example",
        ".".join(["a" * 63] * 4) + ".example",
        "exa$mple.com",
        "\u2603" * 300,
        "(" * 5000 + "example.com",
        "<" * 5000,
    ],
)
def test_what_is_no_domain_name_is_none(text: str) -> None:
    assert read_domain(text) == (None, Repair.UNREADABLE_DOMAIN)


@pytest.mark.parametrize("text", ["", " ", ".", "\n"])
def test_nothing_is_no_domain_and_needs_no_repair(text: str) -> None:
    assert read_domain(text) == (None, None)


@pytest.mark.parametrize("written", ["example.com;", "&lt;example.com&gt;", "dmarc@example.com"])
def test_a_decorated_policy_domain_is_read_and_kept_as_it_was_sent(written: str) -> None:
    report, _ = read_xml(report_xml(policy=POLICY.replace("example.com", written)))

    assert (report.domain, report.repairs) == ("example.com", (Repair.DOMAIN_FORM,))
    assert report.raw["policy_published/domain"] == written.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("written", ["null", "None", "UNKNOWN", "<undefined>", "nil."])
def test_a_word_that_programs_write_for_no_name_is_none(written: str) -> None:
    assert read_domain(written) == (None, Repair.UNREADABLE_DOMAIN)


def test_a_header_from_of_a_dot_is_noted_as_missing() -> None:
    report, [row] = read_xml(changed("<header_from>example.com", "<header_from>."))

    assert (row.header_from, report.repairs) == (None, (Repair.MISSING_HEADER_FROM,))


@pytest.mark.parametrize("written", ["example com", "192.0.2.1", "one.example, two.example", "*"])
def test_a_policy_domain_that_is_no_domain_name_is_refused(written: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_xml(report_xml(policy=POLICY.replace("example.com", written)))

    assert refused.value.reason is Reason.BAD_VALUE
    assert written in refused.value.detail


@pytest.mark.parametrize("element", ["header_from", "envelope_from", "envelope_to"])
@pytest.mark.parametrize("written", ["exa mple.com", "192.0.2.1", "one.example, two.example"])
def test_an_identifier_that_is_no_domain_name_is_left_out_and_kept_as_it_was_sent(element: str, written: str) -> None:
    identifier = f"<{element}>{written}</{element}>"
    report, [row] = read_xml(changed("<header_from>example.com</header_from>", identifier))

    assert (getattr(row, element), row.raw) == (None, {f"identifiers/{element}": written})
    assert Repair.UNREADABLE_DOMAIN in report.repairs


@pytest.mark.parametrize(("written", "read"), [("bounce.example.com;", "bounce.example.com"), ("[192.0.2.1]", None)])
def test_domains_of_results_are_judged_too(written: str, read: str | None) -> None:
    report, [row] = read_xml(changed("bounce.example.com", written))

    assert row.spf_results[0].domain == read
    assert row.raw == {"auth_results/spf/0/domain": written}
    assert len(report.repairs) == 1


def test_the_address_of_an_envelope_is_its_domain_without_a_repair() -> None:
    report, [row] = read_xml(
        changed("</header_from>", "</header_from><envelope_to>someone@receiver.example</envelope_to>")
    )

    assert (row.envelope_to, report.repairs) == ("receiver.example", ())
    assert row.raw == {"identifiers/envelope_to": "someone@receiver.example"}


def test_the_policy_domain_of_a_tls_report_is_judged_as_any_other() -> None:
    tree = tls_tree()
    tree["policies"][0]["policy"]["policy-domain"] = "<example.com>"
    decorated = read_tls(tree)
    tree["policies"][0]["policy"]["policy-domain"] = "example com"

    assert (decorated.domain, decorated.repairs) == ("example.com", (Repair.DOMAIN_FORM,))
    assert decorated.raw == {"policies/0/policy-domain": "<example.com>"}
    with pytest.raises(Rejected) as refused:
        read_tls(tree)
    assert refused.value.reason is Reason.BAD_VALUE


@pytest.mark.parametrize("label", [32, 63])
def test_a_name_of_long_labels_is_a_name_and_one_that_is_too_long_in_all_is_none(label: int) -> None:
    assert read_domain(f"{'a' * label}.example.com") == (f"{'a' * label}.example.com", None)
    too_long = ".".join(["a" * label] * 7) + ".com"
    assert read_domain(too_long)[0] == (too_long if len(too_long) <= 253 else None)
    assert read_domain(f"{'a' * 64}.example.com")[0] is None
