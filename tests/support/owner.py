"""A program that owns embedded servers, as `dmarq run` does, for tests that end it in rude ways.

    python -m tests.support.owner '{"data": DIR, "nats": PROGRAM, "postgres": BIN_DIR}'

Prints one line of JSON when both servers are up, then waits for SIGTERM or SIGINT.
"""

import json
import signal
import sys
from pathlib import Path

from dmarq.embedded import DataDir, EmbeddedError, EmbeddedNats, EmbeddedPostgres
from dmarq.groups import end_by_signal


def main() -> int:
    where = json.loads(sys.argv[1])
    end_by_signal()
    try:
        with (
            DataDir(Path(where["data"])) as data,
            EmbeddedNats(data, program=Path(where["nats"])) as nats,
            EmbeddedPostgres(data, bin_dir=Path(where["postgres"])) as postgres,
        ):
            assert nats.child is not None
            assert postgres.child is not None
            up = {"pids": [nats.child.pid, postgres.child.pid], "urls": [nats.url, postgres.url]}
            print(json.dumps(up), flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except EmbeddedError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
