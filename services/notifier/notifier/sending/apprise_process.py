"""A process of its own for one sending by apprise: `python -m notifier.sending.apprise_process`.

Apprise and its hundred services are loaded only while something is sent, and cannot stop the notifier. Standard input
is a JSON object (url, title, text, urgency, allow_private), standard output one (sent, detail).

An audit hook of Python sees every address that is connected to, as it is resolved: without `allow_private` one that is
not public is refused, whatever led to it.
"""

import json
import logging
import sys
from typing import Any

from notifier.sending.addresses import PrivateAddress, is_public

REFUSED: list[str] = []  # addresses that were not connected to
TYPES = {"critical": "failure", "warning": "warning", "info": "info"}


def refuse_private(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook. Raises PrivateAddress."""
    if event == "socket.connect":
        place = arguments[1]
        if not (isinstance(place, tuple) and is_public(str(place[0]))):
            REFUSED.append(str(place))
            raise PrivateAddress


def main() -> int:
    """Sends what standard input says."""
    wanted = json.load(sys.stdin)
    from apprise import Apprise, NotifyFormat  # takes a moment, which a bad request need not wait for

    logging.disable()  # what it logs may hold a part of the URL
    if not wanted["allow_private"]:
        sys.addaudithook(refuse_private)
    service = Apprise()
    if not service.add(wanted["url"]):
        answer = {"sent": False, "detail": "apprise does not understand the URL"}
    else:
        sent = service.notify(
            title=wanted["title"],
            body=wanted["text"],
            notify_type=TYPES[wanted["urgency"]],
            body_format=NotifyFormat.TEXT,
        )
        answer = {"sent": bool(sent), "detail": "" if sent else _words(), "permanent": bool(REFUSED)}
    json.dump(answer, sys.stdout)
    return 0


def _words() -> str:
    """Why it was not sent."""
    if REFUSED:
        return str(PrivateAddress())
    return "the service did not take it: it is away, or refuses what the URL says"


if __name__ == "__main__":
    sys.exit(main())
