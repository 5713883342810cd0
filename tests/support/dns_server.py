"""A name server of the tests: real UDP on loopback, with the records that a test gives it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Zone = Mapping[str, Mapping[str, Sequence[str]]]
"""Records by name and type: {"example.com": {"MX": ["10 mail.example.com."]}}. A TXT is written in quotes."""


@dataclass
class RunningDns:
    """`failing` names are answered with SERVFAIL. `asked` has every question, as "name type"."""

    port: int
    failing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone, running: RunningDns) -> None:
        self._zone = zone
        self._running = running
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        assert self._transport is not None
        self._transport.sendto(self._answer(question).to_wire(), addr)

    def _answer(self, asked: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        question = asked.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = question.rdtype.name
        self._running.asked.append(f"{name} {kind}")
        if name in self._running.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self._zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif kind in self._zone[name]:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *self._zone[name][kind]))
        return answer


@asynccontextmanager
async def running_dns(zone: Zone) -> AsyncIterator[RunningDns]:
    """A name server on a free port of 127.0.0.1 that knows these records and no others."""
    running = RunningDns(0)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Server(zone, running), local_addr=("127.0.0.1", 0)
    )
    running.port = transport.get_extra_info("sockname")[1]
    try:
        yield running
    finally:
        transport.close()
