"""An extractor with two bugs: a mail with one word kills the process that unpacks it, one with the other is an error.

Started in the extractor's place: python -m tests.chaos.fragile_extractor
"""

import os
import signal
import sys
from collections.abc import Sequence

from extractor.handler import handler
from pipeline.contracts.topology import EXTRACTOR
from pipeline.contracts.wire import Envelope
from pipeline.runtime.service import Frame, run_service
from pipeline.runtime.stage import Result, Stage

KILLS, FAILS = b"X-Poison: kills", b"X-Poison: fails"


async def body(frame: Frame) -> None:
    """As the extractor's, until such a mail comes."""
    handle = handler(frame.settings.limits)

    async def fragile(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        mails = [envelope.cargo[0].bytes for envelope in envelopes if envelope.cargo]
        if any(KILLS in mail for mail in mails):
            os.kill(os.getpid(), signal.SIGKILL)
        if any(FAILS in mail for mail in mails):
            raise ZeroDivisionError("a bug")
        return await handle(envelopes)

    await frame.run(Stage(EXTRACTOR, fragile, batch=50))


if __name__ == "__main__":
    sys.exit(run_service("extractor", __doc__, body, health_address="127.0.0.1:9102"))
