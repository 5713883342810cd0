"""Which addresses may be connected to: those of the public Internet, unless a setting allows all; pure."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class PrivateAddress(OSError):
    """A name or URL leads to an address that must not be connected to."""

    def __init__(self) -> None:
        super().__init__(
            "it leads to a private, loopback or link-local address, which DMARQ_NOTIFY_PRIVATE_ADDRESSES allows"
        )


def is_public(address: str) -> bool:
    """Whether it is a global unicast address, also where IPv6 carries an IPv4 address. False for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast for one in (found, *_carried(found)))


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses inside: mapped, 6to4 (RFC 3056), Teredo (RFC 4380), NAT64."""
    if isinstance(address, IPv4Address):
        return []
    teredo = address.teredo or ()
    nat64 = [IPv4Address(int(address) & 0xFFFFFFFF)] if address in NAT64 else []
    return [one for one in (address.ipv4_mapped, address.sixtofour, *teredo, *nat64) if one is not None]
