"""A sending by apprise, in a process of its own that ends with it."""

import asyncio
import json
import sys
from contextlib import suppress

from notifier.deliveries import Outcome
from notifier.message import Message

TIMEOUT = 60.0  # seconds
MAX_TEXT = 20_000  # characters; a service cuts more than it takes


async def send(url: str, message: Message, *, allow_private: bool) -> Outcome:
    """How it ended."""
    wanted = {
        "url": url,
        "title": message.title,
        "text": message.text[:MAX_TEXT],
        "urgency": message.urgency.value,
        "allow_private": allow_private,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "notifier.sending.apprise_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},  # and so no secret of ours
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(json.dumps(wanted).encode()), TIMEOUT)
        answer = json.loads(out)
    except TimeoutError:
        return Outcome(False, f"the service did not answer within {TIMEOUT:.0f} seconds")
    except ValueError:
        return Outcome(False, f"apprise ended with status {process.returncode}")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    detail = str(answer["detail"])[:300] or "sent"
    return Outcome(bool(answer["sent"]), detail, permanent=bool(answer.get("permanent")))
