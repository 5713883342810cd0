"""Follows the stored reports with nats-py, each written down as a line before it is acknowledged.

python consumer.py nats://reports:PASSWORD@localhost:4222 my-service >> reports.jsonl
"""

import asyncio
import sys

import nats
from nats.errors import TimeoutError as NothingNew
from nats.js.api import ConsumerConfig

url, name = sys.argv[1:]


async def follow() -> None:
    """Writes each report as a line, then acknowledges it."""
    client = await nats.connect(url, inbox_prefix=b"_INBOX_reports", max_reconnect_attempts=-1)
    config = ConsumerConfig(max_ack_pending=100)
    reports = await client.jetstream().pull_subscribe("report.stored.*.*", durable=name, stream="REPORT", config=config)
    while True:
        try:
            messages = await reports.fetch(50, timeout=30)
        except NothingNew:
            continue
        for message in messages:
            if (message.headers or {}).get("ce-type") == "dmarq.report_stored.v1":
                sys.stdout.write(message.data.decode() + "\n")
                sys.stdout.flush()
            await message.ack()


asyncio.run(follow())
