"""A service with a body that only waits, to be run as a process: python -m tests.support.service"""

import sys

from pipeline.runtime.service import Frame, run_service


async def body(frame: Frame) -> None:
    await frame.stopping.wait()


if __name__ == "__main__":
    sys.exit(run_service("example", "A service that waits.", body, health_address=":0"))
