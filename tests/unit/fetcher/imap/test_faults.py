import socket

import pytest

from fetcher.imap.grammar.faults import Status, fault_in_session, fault_of_status, parse_status
from fetcher.imap.transport.connect import fault_of_the_way
from pipeline.contracts.connection_test import Category

# Answers as servers and providers send them.
SAID = [
    (b"NO [AUTHENTICATIONFAILED] Authentication failed.", Category.AUTHENTICATION),
    (b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Category.AUTHENTICATION),
    (b"NO [ALERT] Application-specific password required: https://support.example", Category.AUTHENTICATION),
    (b"NO [WEBALERT https://x] Web login required.", Category.AUTHENTICATION),
    (b"NO AUTHENTICATE failed. BasicAuthBlocked", Category.AUTHENTICATION),
    (b"NO LOGIN failed.", Category.AUTHENTICATION),
    (b'NO [AUTHENTICATIONFAILED] AuthFailed:LogonDenied-BasicAuthBlocked-"x"', Category.AUTHENTICATION),
    (b"NO [EXPIRED] Password expired", Category.AUTH_EXPIRED),
    (b"NO [AUTHENTICATIONFAILED] The access token expired", Category.AUTH_EXPIRED),
    (b"NO [AUTHORIZATIONFAILED] No access", Category.PERMISSIONS),
    (b"NO [ALERT] Your account is not enabled for IMAP use.", Category.PERMISSIONS),
    (b"BAD User is authenticated but not connected.", Category.PERMISSIONS),
    (b"NO [NOPERM] Permission denied", Category.PERMISSIONS),
    (b"NO [OVERQUOTA] Quota exceeded", Category.PERMISSIONS),
    (b"NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", Category.THROTTLED),
    (b"NO [CANNOT] Invalid mailbox name", Category.PERMISSIONS),
    (b"NO [PRIVACYREQUIRED] Use TLS", Category.TLS),
    (b"NO [NONEXISTENT] Unknown Mailbox: x (Failure)", Category.MAILBOX_NOT_FOUND),
    (b"NO [TRYCREATE] Mailbox doesn't exist: x", Category.MAILBOX_NOT_FOUND),
    (b"NO Mailbox doesn't exist: x", Category.MAILBOX_NOT_FOUND),
    (b"NO x doesn't exist.", None),
    (b"NO [ALERT] Too many simultaneous connections. (Failure)", Category.THROTTLED),
    (b"NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded", Category.THROTTLED),
    (b"NO [THROTTLED] Account exceeded bandwidth limits", Category.THROTTLED),
    (b"NO [LIMIT] Rate limit hit", Category.THROTTLED),
    (b"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", Category.THROTTLED),
    (b"BYE Account exceeded command or bandwidth limits; rate limit", Category.THROTTLED),
    (b"NO [INUSE] Mailbox in use", Category.THROTTLED),
    (b"NO [UNAVAILABLE] Temporary authentication failure.", Category.CONNECTIVITY),
    (b"BAD Error in IMAP command", None),
    (b"NO SELECT Unsafe Login. Please contact kefu@188.com for help", Category.PERMISSIONS),
    (b"NO [ALERT] You are yet to enable IMAP for your account.", Category.PERMISSIONS),
    (b"NO Please enable IMAP in your mail settings", Category.PERMISSIONS),
    (b"NO [AUTHENTICATIONFAILED] IMAP access is turned off", Category.PERMISSIONS),
    (b"BAD must issue a STARTTLS command first", Category.TLS),
    (b"NO TLS required for LOGIN", Category.TLS),
    (b"NO Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", Category.TLS),
    (b"BAD cleartext logins are not allowed", Category.TLS),
]


@pytest.mark.parametrize(("line", "category"), SAID)
def test_what_a_server_says_has_a_category(line: bytes, category: Category | None) -> None:
    fault = fault_of_status(parse_status(line), otherwise=Category.TIMEOUT)

    assert fault.category is (category or Category.TIMEOUT)
    assert fault.detail


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (socket.gaierror(-2, "Name or service not known"), Category.CONNECTIVITY),
        (ConnectionRefusedError(111, "refused"), Category.CONNECTIVITY),
        (ConnectionResetError(104, "reset"), Category.CONNECTIVITY),
        (OSError(113, "No route to host"), Category.CONNECTIVITY),
        (TimeoutError(), Category.TIMEOUT),
    ],
)
def test_a_connection_that_cannot_be_made_says_where_and_what_to_check(error: OSError, category: Category) -> None:
    fault = fault_of_the_way(error, host="mail.example", place="mail.example:993")

    assert fault.category is category
    assert "mail.example" in fault.detail
    assert not fault.detail.startswith("mail.example"), "pages begin a sentence with it, in upper case"


def test_a_server_that_names_its_waiting_time_is_believed() -> None:
    said = parse_status(b"BAD Request is throttled. Suggested Backoff Time: 300000 milliseconds")

    assert fault_of_status(said, otherwise=Category.TIMEOUT).wait_s == 300
    assert fault_of_status(parse_status(b"NO wait"), otherwise=Category.TIMEOUT).wait_s == 0


@pytest.mark.parametrize(
    ("line", "category"),
    [
        (b"BYE Session invalidated - AccessTokenExpired", Category.CONNECTIVITY),
        (b"NO [AUTHENTICATIONFAILED] Authentication failed.", Category.CONNECTIVITY),
        (b"BYE Too many connections", Category.THROTTLED),
    ],
)
def test_after_sign_in_nothing_that_is_said_is_about_the_password_or_the_token(line: bytes, category: Category) -> None:
    assert fault_in_session(parse_status(line)).category is category


def test_a_status_is_taken_apart() -> None:
    assert parse_status(b"OK [COPYUID 1 2:3 4:5] Done") == Status("OK", "COPYUID", "1 2:3 4:5", "Done")
    assert parse_status(b"no").result == "NO"


def test_what_a_server_says_is_cut_and_cleaned_for_people() -> None:
    status = parse_status(b"NO evil\x1b[31m\r\x00\x9b \xff" + b"x" * 1000)

    assert status.text.isprintable()
    assert len(status.text) <= 300
