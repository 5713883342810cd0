"""What tests have a fork server make: a program that does what its command line says."""

import json
import os
import signal
import sys
import time

BALLAST_BYTES = 32 * 1024 * 1024
BALLAST = os.urandom(BALLAST_BYTES)  # in memory before the fork


def main() -> int:
    what = sys.argv[1]
    if what == "end":
        return int(sys.argv[2])
    if what == "fail":
        raise ValueError("a fault of the child's")
    if what == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    told = {"environment": dict(os.environ), "arguments": sys.argv[1:], "descriptors": os.listdir("/proc/self/fd")}
    print(json.dumps(told), "up", flush=True)
    time.sleep(600)
    return 0
