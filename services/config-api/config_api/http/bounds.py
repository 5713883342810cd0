"""What a request may cost before it is known who sent it, and after. Times are in seconds."""

from dataclasses import dataclass

from pipeline.contracts.limits import KiB


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the edge. `slow_rate` is the least number of bytes a second that a body must come at in the end."""

    threads: int = 16  # that views run in; a live view, a slow reader and a body on its way hold none
    connections: int = 500
    connections_per_client: int = 100
    header_deadline: float = 15.0  # for the whole head of a request, and for the silence between two
    body_deadline: float = 15.0  # grows by what has come, at `slow_rate`
    slow_rate: int = 32 * KiB
    write_deadline: float = 20.0  # for a piece of an answer to leave
    uploads: int = 4  # bodies over `small_body` at a time
    upload_wait: float = 60.0  # for a place among them
    small_body: int = 16 * KiB  # bytes taken before the application has looked at the request
    piece: int = 64 * KiB  # bytes read and written at a time
