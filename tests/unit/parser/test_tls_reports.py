"""SMTP TLS reports (RFC 8460), as specified and as really sent."""

import json
from contextlib import suppress

import pytest

from parser.kinds.reading import Hints
from parser.kinds.tls.json_text import MAX_VALUES
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.reports import read_tls, tls_tree


def reason_of(document: object) -> Reason:
    with pytest.raises(Rejected) as refusal:
        read_tls(document)
    return refusal.value.reason


def test_a_plain_report_is_read_in_full():
    report = read_tls(tls_tree())

    assert report.repairs == ()
    assert (report.org_name, report.domain, report.contact_info) == (
        "Example Receiver", "example.com", "tls@receiver.example",
    )  # fmt: skip
    assert (report.begin, report.end) == (1_767_312_000, 1_767_398_399)
    assert (report.records, report.messages) == (1, 9)
    [policy] = report.policies
    assert policy.policy_strings == ("version: STSv1", "mode: enforce")
    assert policy.mx_hosts == ("mx.example.com",)
    assert policy.failures[0].model_dump(exclude_none=True) == {
        "result_type": "certificate-expired",
        "sending_mta_ip": "192.0.2.9",
        "receiving_mx_hostname": "mx.example.com",
        "failed_session_count": 2,
        "additional_information": "https://receiver.example/tls",
        "failure_reason_code": "X509",
    }


def test_an_mx_host_may_be_one_text():
    tree = tls_tree()
    tree["policies"][0]["policy"]["mx-host"] = "*.mail.example.com"

    report = read_tls(tree)

    assert (report.repairs, report.policies[0].mx_hosts) == ((), ("*.mail.example.com",))


@pytest.mark.parametrize("details", [None, [], "absent"])
def test_failure_details_may_be_absent(details):
    tree = tls_tree()
    if details == "absent":
        del tree["policies"][0]["failure-details"]
    else:
        tree["policies"][0]["failure-details"] = details

    assert read_tls(tree).repairs == ()


def test_a_policy_fetch_error_has_no_addresses():
    tree = tls_tree()
    tree["policies"][0]["failure-details"] = [{"result-type": "sts-policy-fetch-error", "failed-session-count": 2}]

    report = read_tls(tree)

    assert (report.repairs, report.policies[0].failures[0].sending_mta_ip) == ((), None)


def test_unknown_result_types_are_kept_for_the_registry_may_grow():
    tree = tls_tree()
    tree["policies"][0]["failure-details"][0]["result-type"] = "quantum-handshake-flux"

    report = read_tls(tree)

    assert (report.repairs, report.policies[0].failures[0].result_type) == ((), "quantum-handshake-flux")


@pytest.mark.parametrize("report_id", ["1234567890+example.com", "1234567890+", "2026-01-01T00:00:00Z_example.com"])
def test_a_report_id_may_hold_what_file_names_may_not(report_id):
    assert read_tls(tls_tree() | {"report-id": report_id}).report_id == report_id


def test_an_end_at_the_next_midnight_is_fine():
    dates = {"start-datetime": "2026-01-02T00:00:00Z", "end-datetime": "2026-01-03T00:00:00Z"}

    report = read_tls(tls_tree() | {"date-range": dates})

    assert (report.repairs, report.end - report.begin) == ((), 86400)


def test_failed_sessions_need_not_add_up():
    tree = tls_tree()
    tree["policies"][0]["failure-details"] *= 3

    assert read_tls(tree).messages == 9


def test_several_policy_domains_are_all_named():
    tree = tls_tree()
    tree["policies"] += [json.loads(json.dumps(tree["policies"][0])) for _ in range(2)]
    tree["policies"][1]["policy"]["policy-domain"] = "Other.Example."

    report = read_tls(tree)

    assert (report.domain, report.records, report.messages) == ("example.com,other.example", 3, 27)
    assert report.raw == {"policies/1/policy-domain": "Other.Example."}


@pytest.mark.parametrize("contact", [None, "absent", ""])
def test_a_missing_contact_is_noted(contact):
    tree = tls_tree() | {"contact-info": contact}
    if contact == "absent":
        del tree["contact-info"]

    report = read_tls(tree)

    assert (report.contact_info, report.repairs) == (None, (Repair.MISSING_CONTACT,))


def test_a_policy_without_domain_is_kept_and_noted():
    tree = tls_tree()
    tree["policies"][0]["policy"] = {"policy-type": "no-policy-found"}

    report = read_tls(tree, hints=Hints(file_name="receiver.example!example.net!1!2!x.json.gz"))

    assert (report.domain, report.repairs) == ("example.net", (Repair.MISSING_POLICY_DOMAIN,))


def test_a_policy_string_may_be_one_text():
    tree = tls_tree()
    tree["policies"][0]["policy"]["policy-string"] = "version: STSv1\nmode: none"

    report = read_tls(tree)

    assert report.repairs == (Repair.POLICY_STRING_AS_TEXT,)
    assert report.policies[0].policy_strings == ("version: STSv1", "mode: none")


def test_an_absent_failure_count_is_zero_and_noted():
    tree = tls_tree()
    del tree["policies"][0]["summary"]["total-failure-session-count"]

    report = read_tls(tree)

    assert (report.messages, report.repairs) == (7, (Repair.MISSING_SESSION_COUNT,))


def test_counts_as_text_are_read_and_noted():
    tree = tls_tree()
    tree["policies"][0]["summary"] = {"total-successful-session-count": "42", "total-failure-session-count": 7}

    report = read_tls(tree)

    assert (report.messages, report.repairs) == (49, (Repair.COUNT_FORM,))


@pytest.mark.parametrize(
    ("written", "read", "repair"),
    [("STS", "sts", Repair.WORD_CASE), ("dane", "dane", Repair.UNKNOWN_POLICY_TYPE), ("", "", Repair.MISSING_WORD)],
)
def test_an_odd_policy_type_is_kept_and_noted(written, read, repair):
    tree = tls_tree()
    tree["policies"][0]["policy"]["policy-type"] = written

    report = read_tls(tree)

    assert (report.policies[0].policy_type, report.repairs) == (read, (repair,))
    assert report.raw == {"policies/0/policy-type": written}


def test_an_empty_list_of_policies_is_kept_and_noted():
    report = read_tls(tls_tree() | {"policies": []})

    assert (report.records, report.messages, report.domain) == (0, 0, "")
    assert report.repairs == (Repair.NO_POLICIES,)


def test_a_single_policy_without_list_is_understood():
    tree = tls_tree()
    tree["policies"] = tree["policies"][0]

    report = read_tls(tree)

    assert (report.records, report.repairs) == (1, (Repair.LIST_FORM,))


def test_a_missing_organisation_is_taken_from_the_file_name():
    tree = tls_tree() | {"organization-name": None}

    report = read_tls(tree, hints=Hints(file_name="receiver.example!example.com!1!2.json"))

    assert (report.org_name, report.repairs) == ("receiver.example", (Repair.ORG_FROM_FILE_NAME,))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("report-id", None, Reason.MISSING_REPORT_ID),
        ("report-id", "<>", Reason.MISSING_REPORT_ID),
        ("date-range", None, Reason.MISSING_PERIOD),
        ("date-range", {"start-datetime": "2026-01-02T00:00:00Z"}, Reason.MISSING_PERIOD),
        ("date-range", {"start-datetime": "x", "end-datetime": "y"}, Reason.BAD_PERIOD),
        (
            "date-range",
            {"start-datetime": "2026-01-03T00:00:00Z", "end-datetime": "2026-01-02T00:00:00Z"},
            Reason.BAD_PERIOD,
        ),
    ],
)
def test_a_report_without_identity_is_refused(key, value, reason):
    assert reason_of(tls_tree() | {key: value}) is reason


def test_a_date_as_a_number_is_read_and_noted():
    dates = {"start-datetime": 1767312000, "end-datetime": "2026-01-02T23:59:59"}

    report = read_tls(tls_tree() | {"date-range": dates})

    assert (report.begin, report.end) == (1_767_312_000, 1_767_398_399)
    assert report.repairs == (Repair.DATE_FORMAT,)


@pytest.mark.parametrize("count", [2**63, "9" * 99, -(2**70)])
def test_a_count_beyond_63_bits_is_refused(count):
    tree = tls_tree()
    tree["policies"][0]["summary"]["total-successful-session-count"] = count

    assert reason_of(tree) is Reason.BAD_VALUE


@pytest.mark.parametrize("written", ["1e400", "1.5e3", "true", '"many"', "[]"])
def test_a_count_that_is_no_whole_number_is_noted(written):
    document = json.dumps(tls_tree()).replace('session-count": 7', f'session-count": {written}')

    report = read_tls(document.encode())

    assert {Repair.COUNT_FORM, Repair.UNREADABLE_COUNT} & set(report.repairs)
    assert report.raw


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", Reason.EMPTY_DOCUMENT),
        (b"{", Reason.NO_REPORT_CONTENT),
        (b"[]", Reason.NO_REPORT_CONTENT),
        (b'{"a": 1}', Reason.NO_REPORT_CONTENT),
        (b'{"policies": [', Reason.NOT_WELL_FORMED),
        (b'{"policies": NaN}', Reason.NOT_WELL_FORMED),
        (b"[" * 100_000, Reason.NO_REPORT_CONTENT),
        (b'{"policies":' + b"[" * 100_000, Reason.NOT_WELL_FORMED),
        (b'{"policies": [' + b"{}," * MAX_VALUES, Reason.SECTION_TOO_LARGE),
        (b'{"report-id": ' + b"9" * 5000 + b"}", Reason.NOT_WELL_FORMED),
    ],
)
def test_what_is_no_report_is_refused(document, reason):
    assert reason_of(document) is reason


def test_a_repeated_key_is_noted_and_the_first_counts():
    document = json.dumps(tls_tree()).replace('"contact-info"', '"contact-info": "first", "contact-info"').encode()

    report = read_tls(document)

    assert (report.contact_info, report.repairs) == ("first", (Repair.REPEATED_ELEMENT,))


@pytest.mark.parametrize("key", ["report-id", "organization-name", "date-range", "policy-domain", "policies"])
def test_a_repeated_key_that_says_another_identity_is_refused(key):
    document = json.dumps(tls_tree()).replace(f'"{key}"', f'"{key}": "first", "{key}"', 1).encode()

    assert reason_of(document) is Reason.AMBIGUOUS_REPORT


def test_a_byte_order_mark_is_no_repair():
    assert read_tls(json.dumps(tls_tree()).encode("utf-8-sig")).repairs == ()
    assert read_tls(json.dumps(tls_tree()).encode("utf-16")).repairs == ()


def test_zeros_and_lone_surrogates_are_removed_and_noted():
    report = read_tls(tls_tree() | {"organization-name": "A\0B\ud800C"})

    assert (report.org_name, report.repairs) == ("ABC", (Repair.CONTROL_CHARACTERS,))
    report.model_dump_json()


@pytest.mark.parametrize("value", [[], {}, "x", 5, True, 1.5])
@pytest.mark.parametrize("key", ["policies", "contact-info", "organization-name", "report-id", "date-range"])
def test_values_of_other_types_never_break_the_reader(key, value):
    with suppress(Rejected):
        read_tls(tls_tree() | {key: value})
