"""Host names of addresses, confirmed: a name counts only where it leads back to the address. Bounded and cleaned."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Protocol

from pipeline.contracts.domain_dns import MAX_NAME
from pipeline.dns.resolver import Offline

AT_ONCE = 10
OVERALL_S = 20.0
_HOST = re.compile(r"(?=.*[a-z])[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+")


class Hosts(Protocol):
    """Whoever knows host names and their addresses; both raise Offline."""

    async def host_names(self, address: str) -> Sequence[str]:
        """The names that an address claims."""
        ...

    async def addresses(self, host: str, *, v6: bool) -> Sequence[str]:
        """The addresses of a host."""
        ...


async def confirmed_hosts(dns: Hosts, addresses: Iterable[str], *, within: float = OVERALL_S) -> dict[str, str | None]:
    """The confirmed name of each address, None where it has none; an address without an answer in time is left out."""
    room = asyncio.Semaphore(AT_ONCE)
    found: dict[str, str | None] = {}

    async def ask(address: str) -> None:
        async with room:
            try:
                found[address] = await _confirmed(dns, address)
            except Offline:
                return

    tasks = [asyncio.create_task(ask(address), name="host-name") for address in dict.fromkeys(addresses)]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=within)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    return found


def is_host(name: str) -> bool:
    """Whether it is a plain host name: a PTR is the sender's text, and may hold anything.

    >>> is_host("mail-1.example.com"), is_host("<b>.example.com"), is_host("localhost")
    (True, False, False)
    """
    return len(name) <= MAX_NAME and _HOST.fullmatch(name) is not None


async def _confirmed(dns: Hosts, address: str) -> str | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    for name in filter(is_host, await dns.host_names(address)):
        back = await dns.addresses(name, v6=parsed.version == 6)
        if parsed in {ip_address(one) for one in back}:
            return name
    return None
