import pytest

from config_api.web.clients import client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("not an address", "unknown"),
        ("192.0.2.1:443", "unknown"),
    ],
)
def test_an_address_and_the_whole_of_an_ipv6_network_are_one_client(address: str, client: str) -> None:
    assert client_of(address) == client
