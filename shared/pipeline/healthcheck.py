"""Asks a service whether it is ready, for a container's health check: `python -m pipeline.healthcheck [HOST:PORT]`.

The standard library alone, because it is started every few seconds.
"""

import sys
from http.client import HTTPConnection, HTTPException

DEFAULT_ADDRESS = "127.0.0.1:9100"
TIMEOUT = 4.0  # seconds
OK = 200


def main(arguments: list[str]) -> int:
    """Gives 0 when the service is ready; prints what it is missing."""
    connection = HTTPConnection(arguments[0] if arguments else DEFAULT_ADDRESS, timeout=TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read(2000).decode(errors="replace") + "\n")
        return 0 if answer.status == OK else 1
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"no answer: {error or type(error).__name__}\n")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
