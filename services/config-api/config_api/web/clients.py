"""Who counts as one client, for every bound that is kept by client."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

IPV6_PREFIX = 64  # bits: whoever has one address has the whole network (RFC 6177)


def client_of(address: str) -> str:
    """The name of the client behind an address: itself, or the /64 that it lies in. Anything else is one client."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, IPV6_PREFIX), strict=False))
