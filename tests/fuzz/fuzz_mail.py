"""Fuzz whole mails through the pure parts of all three services (needs `atheris`), with little stack.

The bytes are a mail as they are, and a pattern that is repeated in a header field and in a body. What is recursive
about its input fails for want of stack; so does what takes much longer than four times as long for four times as much.

python tests/fuzz/fuzz_mail.py -max_total_time=300 -max_len=2000 [CORPUS]
"""

import sys
from pathlib import Path
from time import process_time

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["extractor", "parser", "fetcher.reading.filters", "pipeline.mailformat"]):
    from tests.support.pure_parts import through_all_services

FIELDS = (b"From: ", b"Subject: ", b"Date: ", b"Content-Type: multipart/mixed; ", b"Content-Disposition: a; ", b"")
REPEATED_BYTES = 100_000
NOTICEABLE_S = 0.5  # what takes less is not worth a look at its growth
MAX_GROWTH = 10.0  # for four times as much


def one_input(data: bytes) -> None:
    """Raises whatever a service would run into, and AssertionError for what grows faster than its input."""
    through_all_services(data)
    if not data[1:]:
        return
    field, pattern = FIELDS[data[0] % len(FIELDS)], data[1:33]
    times = [_seconds(field + pattern * (size // len(pattern))) for size in (REPEATED_BYTES, 4 * REPEATED_BYTES)]
    if times[1] > NOTICEABLE_S and times[1] > MAX_GROWTH * times[0]:
        raise AssertionError(f"{field!r} + {pattern!r} * n: {times[0]:.2f} s, then {times[1]:.2f} s")


def _seconds(start: bytes) -> float:
    before = process_time()
    through_all_services(start + b"\r\n\r\n" + start)
    return process_time() - before


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
