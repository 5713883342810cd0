"""An IP address is read where a text shows exactly one."""

import pytest

from parser.kinds.ip import read_ip
from pipeline.contracts.repairs import Repair


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\n", "203.0.113.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
    ],
)
def test_another_spelling_of_the_same_address_is_no_repair(text: str, address: str) -> None:
    assert read_ip(text) == (address, None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("IPv6:2001:db8::1", "2001:db8::1"),
        ("ipv6:2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:25", "2001:db8::1"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[203.0.113.7]", "203.0.113.7"),
        ("203.0.113.7:25", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("203.000.113.007", "203.0.113.7"),
        ("203.0.113.7.", "203.0.113.7"),
        ("203.0.113.7,", "203.0.113.7"),
        ("<203.0.113.7>", "203.0.113.7"),
        ("mail.example.com[203.0.113.7]", "203.0.113.7"),
        ("mail.example.com (203.0.113.7)", "203.0.113.7"),
        ("203.0.113.7 (mail.example.com)", "203.0.113.7"),
        ("ip=203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 203.0.113.7", "203.0.113.7"),
        ("２０３.０.１１３.７", "203.0.113.7"),
    ],
)
def test_the_one_address_that_a_text_shows_is_read(text: str, address: str) -> None:
    assert read_ip(text) == (address, Repair.SOURCE_IP_FORM)


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.0/24",
        "2001:db8::/32",
        "203.0.113.7, 203.0.113.8",
        "203.0.113.7-203.0.113.9",
        "203.0.113",
        "203.0.113.7.5",
        "203.0.113.256",
        "203r.0.113.7",
        "host-203-0-113-7.example.com",
        "203.0.113.7.example.com",
        "7.113.0.203.in-addr.arpa",
        "12:30:45",
        "unknown",
        "3405803783",
        "1" * 5000,
    ],
)
def test_a_text_that_shows_no_address_or_several_is_none(text: str) -> None:
    assert read_ip(text) == (None, Repair.UNREADABLE_SOURCE_IP)


def test_no_text_is_no_address() -> None:
    assert read_ip(" ") == (None, Repair.MISSING_SOURCE_IP)
