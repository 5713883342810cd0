"""The extractor service: `extractor` or `python -m extractor`."""

import sys

from extractor.handler import handler
from pipeline.contracts.topology import EXTRACTOR
from pipeline.runtime.service import Frame, run_service
from pipeline.runtime.stage import Stage

HEALTH_ADDRESS = "127.0.0.1:9102"
BATCH = 50


async def body(frame: Frame) -> None:
    """Unpacks mails until told to stop."""
    await frame.run(Stage(EXTRACTOR, handler(frame.settings.limits), batch=BATCH))


def main() -> int:
    """Runs the service; gives the exit status."""
    return run_service("extractor", __doc__ or "", body, health_address=HEALTH_ADDRESS)


if __name__ == "__main__":
    sys.exit(main())
