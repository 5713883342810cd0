"""A sending by apprise, in a process of its own that ends with it."""

import asyncio
import json
import sys
from contextlib import suppress

from notifier.deliveries import Outcome
from notifier.message import Message

TIMEOUT = 24.0  # seconds; with those that wait for their turn it is less than a courier waits for a sending
MAX_TEXT = 20_000  # characters; a service cuts more than it takes
COMMAND = (sys.executable, "-P", "-m", "notifier.sending.apprise_process")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}  # and so no secret of ours


class AppriseSender:
    """One process at a time, for each takes 84 MB."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._alone = asyncio.Lock()

    async def send(self, url: str, message: Message) -> Outcome:
        """How it ended."""
        wanted = {
            "url": url,
            "title": message.title,
            "text": message.text[:MAX_TEXT],
            "urgency": message.urgency.value,
            "allow_private": self._allow_private,
        }
        async with self._alone:
            return await _sent(json.dumps(wanted).encode())


async def _sent(request: bytes) -> Outcome:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=ENVIRONMENT
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(request), TIMEOUT)
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
