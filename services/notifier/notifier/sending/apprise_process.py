"""A process of its own for one sending by apprise: `python -m notifier.sending.apprise_process`.

Apprise and its hundred services are loaded only while something is sent, and cannot stop the notifier. Standard input
is a JSON object (url, title, text, urgency, allow_private), standard output one (sent, detail).

Audit hooks of Python see every address that is connected to, as it is resolved: without `allow_private` one that is not
public is refused, whatever led to it. They see every file that is opened, too: a URL may name one as a template or a
key (`?template=/run/secrets/...`), and only the files of Python itself and of the system's libraries are read.
"""

import json
import logging
import mimetypes
import os
import sys
from typing import Any

from pipeline.public_addresses import NOTIFIER_MAY, PrivateAddress, is_public

REFUSED: list[OSError] = []  # what was not done
TO_ADDRESSES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
READABLE = (
    *(os.path.realpath(place) + os.sep for place in {*sys.path, sys.prefix, sys.base_prefix} if place),
    "/usr/", "/etc/ssl/", "/etc/pki/", *map(str, mimetypes.knownfiles), os.devnull, "/dev/urandom",
)  # fmt: skip
TYPES = {"critical": "failure", "warning": "warning", "info": "info"}


class FileRefused(OSError):
    """A URL names a file of this machine."""

    def __init__(self) -> None:
        super().__init__("its URL names a file of this machine, which is not read")


def refuse_files(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook. Raises FileRefused."""
    if event == "open" and not isinstance(arguments[0], int):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if not path.startswith(READABLE):
            REFUSED.append(FileRefused())
            raise REFUSED[-1]


def refuse_private(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook. Raises PrivateAddress."""
    if event in TO_ADDRESSES:
        place = arguments[1]
        if not (isinstance(place, tuple) and is_public(str(place[0]))):
            REFUSED.append(PrivateAddress(NOTIFIER_MAY))
            raise REFUSED[-1]


def main() -> int:
    """Sends what standard input says."""
    wanted = json.load(sys.stdin)
    from apprise import Apprise, NotifyFormat  # takes a moment, which a bad request need not wait for

    logging.disable()  # what it logs may hold a part of the URL
    sys.addaudithook(refuse_files)
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
        return str(REFUSED[0])
    return "the service did not take it: it is away, or refuses what the URL says"


if __name__ == "__main__":
    sys.exit(main())
