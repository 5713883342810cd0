"""Fetch runs of the last hours and what the IMAP log says about them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Insert = Callable[[str, dict[str, Any]], Awaitable[int]]

_LOG: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("connected", "info", {"host": "imap.example.com", "port": 993, "tls": "TLSv1.3"}),
    ("capabilities", "debug", {"idle": True, "move": True, "uidplus": True}),
    ("signed_in", "info", {"username": "dmarc@example.com"}),
    ("selected", "info", {"folder": "INBOX", "mails": 412, "uidvalidity": 1700000000}),
    ("searched", "info", {"found": 3, "criteria": "UID 410:*"}),
    ("fetched", "info", {"mails": 3, "bytes": 30411}),
    ("disconnected", "info", {"why": "done"}),
)


async def tell_runs(insert: Insert, mailbox: str) -> None:
    """Thirty runs, one an hour, the fifth from the end failed; each with the steps of its connection."""
    now = datetime.now(UTC)
    for ago in range(30):
        at = now - timedelta(minutes=5 + 60 * ago)
        bad = ago == 4
        await insert(
            "fetch_run",
            {
                "run_id": f"run{ago}",
                "mailbox_id": mailbox,
                "folder": "INBOX",
                "trigger": "idle" if ago % 5 == 1 else "poll",
                "started_at": at,
                "finished_at": at + timedelta(milliseconds=180 + 37 * ago),
                "seen": 0 if bad else 3 + ago % 4,
                "filtered": ago % 2,
                "fetched": 0 if bad else 3,
                "fetched_bytes": 30_000,
                "category": "connectivity" if bad else "ok",
                "detail": "The server closed the connection." if bad else "",
            },
        )
        for name, level, data in _LOG[:2] if bad else _LOG:
            at += timedelta(milliseconds=41)
            await insert(
                "activity",
                {
                    "id": f"{ago}-{name}",
                    "mailbox_id": mailbox,
                    "source": "imap",
                    "name": name,
                    "level": level,
                    "text": "",
                    "data": data,
                    "at": at,
                },
            )
