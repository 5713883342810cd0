"""Hostile mail servers: what a session with each costs the process, in memory and in time for everybody else.

The sessions run in a process of their own, so that its memory is theirs alone. It is measured by the kernel: the peak
of each attack above what the process had at its start, and what is left after a hundred sessions.
"""

import asyncio
import gc
import json
import re
import sys
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account, Deadlines
from pipeline.contracts.mailbox import Security
from tests.attack import Row
from tests.support.hostile_imap import ATTACKS, SLOW_ATTACKS, hostile_imap

MB = 1_000_000
MAX_PEAK_MB, MAX_LEFT_MB, MAX_STALL_S, MAX_SLOW_S = 64, 20, 1.0, 15.0
SESSIONS, SESSIONS_WITH = 100, "sessions with such servers"
QUICK = ("a million folders", "mails without an end", "25 literals of 100 MB in one answer", "blank lines")
_DEADLINES = Deadlines(connect_s=3, quiet_s=2, command_s=6, idle_s=0.3, farewell_s=1)
_SLOW_DEADLINES = replace(_DEADLINES, command_s=600)  # which must not be what ends them


async def run(*, attacks: Collection[str] = (*ATTACKS, *SLOW_ATTACKS), sessions: int = SESSIONS) -> list[Row]:
    """These attacks once, then so many sessions of some of them."""
    streams = ATTACKS | SLOW_ATTACKS
    async with AsyncExitStack() as servers:
        ports = {name: await servers.enter_async_context(hostile_imap(streams[name])) for name in attacks}
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.attack.mailservers", json.dumps(ports), str(sessions)),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            said, _ = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
    return [_row(*line) for line in json.loads(said)]


def _row(name: str, peak_mb: float, stall_s: float, session_s: float) -> Row:
    if name.endswith(SESSIONS_WITH):
        return Row(name, f"{MAX_LEFT_MB} MB left", f"{peak_mb:.0f} MB left", peak_mb <= MAX_LEFT_MB)
    is_in_time = session_s <= MAX_SLOW_S or name not in SLOW_ATTACKS
    return Row(
        f"a mail server that sends {name}",
        f"{MAX_PEAK_MB} MB, event loop stands {MAX_STALL_S:.0f} s"
        + (f"; the session takes {MAX_SLOW_S:.0f} s" if name in SLOW_ATTACKS else ""),
        f"{peak_mb:.0f} MB, {stall_s:.2f} s; the session took {session_s:.1f} s",
        peak_mb <= MAX_PEAK_MB and stall_s <= MAX_STALL_S and is_in_time,
    )


async def _measured(ports: dict[str, int], sessions: int) -> list[tuple[str, float, float, float]]:
    start_mb = _memory_mb("VmRSS")
    lines = []
    for name, port in ports.items():
        _forget_peak()
        stalls = asyncio.create_task(_longest_stall())
        loop = asyncio.get_running_loop()
        began = loop.time()
        await _session(port, _SLOW_DEADLINES if name in SLOW_ATTACKS else _DEADLINES)
        session_s = loop.time() - began
        stalls.cancel()
        (stall_s,) = await asyncio.gather(stalls)
        lines.append((name, _memory_mb("VmHWM") - start_mb, stall_s, session_s))
    for number in range(sessions):
        await _session(ports[QUICK[number % len(QUICK)]])
    gc.collect()
    await asyncio.sleep(1)  # memory goes back a moment after a session's end
    lines.append((f"{sessions} {SESSIONS_WITH}", _memory_mb("VmRSS") - start_mb, 0.0, 0.0))
    return lines


async def _session(port: int, deadlines: Deadlines = _DEADLINES) -> None:
    """What the fetcher does in its life; what comes of it does not matter, as long as it ends."""
    account = Account("127.0.0.1", port, "ann", "correct horse", security=Security.NONE, deadlines=deadlines)
    try:
        async with await ImapSession.open(account, log=lambda *_: None) as session:
            await session.folders()
            await session.status("INBOX")
            await session.select("INBOX")
            await session.search(Criteria())
            await session.fetch_meta([1], headers=True)
            async for _ in session.fetch_bodies([Meta(1, 1000, None, frozenset())], max_bytes=25 * 2**20):
                pass
            await session.wait_for_mail(1)
    except ImapFault:
        pass


async def _longest_stall() -> float:
    """In seconds of computing by the loop's thread: how long the event loop stood at most, until cancelled."""
    longest, last = 0.0, time.thread_time()
    try:
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.thread_time() - last), time.thread_time()
    except asyncio.CancelledError:
        return max(longest, time.thread_time() - last)


def _memory_mb(what: str) -> float:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024 / MB


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_measured(json.loads(sys.argv[1]), int(sys.argv[2])))))
