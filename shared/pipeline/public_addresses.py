"""Which addresses may be connected to: those of the public Internet, unless a setting allows all; pure."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# The last 32 bits are an IPv4 address: NAT64 (RFC 6052, RFC 8215), IPv4-compatible (RFC 4291), translated (RFC 2765).
WITH_IPV4 = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))

NOTIFIER_MAY, FETCHER_MAY = "DMARQ_NOTIFY_PRIVATE_ADDRESSES", "DMARQ_STS_PRIVATE_ADDRESSES"  # settings that allow all


class PrivateAddress(OSError):
    """A name or URL leads to an address that must not be connected to, unless `setting` says so."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"it leads to a private, loopback or link-local address, which only {setting}=true allows")


def is_public(address: str) -> bool:
    """Whether it is a global unicast address, also where IPv6 carries an IPv4 address. False for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.is_site_local:
        return False
    return all(one.is_global and not one.is_multicast for one in (found, *_carried(found)))


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses inside: mapped, 6to4 (RFC 3056), Teredo (RFC 4380), NAT64 and the like."""
    if isinstance(address, IPv4Address):
        return []
    teredo = address.teredo or ()
    last = [IPv4Address(int(address) & 0xFFFFFFFF)] if any(address in network for network in WITH_IPV4) else []
    return [one for one in (address.ipv4_mapped, address.sixtofour, *teredo, *last) if one is not None]
