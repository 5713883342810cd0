"""Fuzz the reader of an SMTP TLS report (needs `atheris`).

python tests/fuzz/fuzz_tls.py -max_total_time=60 [CORPUS]
"""

import gzip
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["parser"]):
    from parser.readers import read
    from pipeline.document import DocumentFormat
    from pipeline.errors import Rejected
    from pipeline.limits import Limits
    from tests.support.storable import assert_storable

LIMITS = Limits(max_uncompressed_bytes=1_000_000)


def one_input(data: bytes) -> None:
    """Read the bytes: what comes out must be storable, what does not must have been refused."""
    try:
        reading = read(gzip.compress(data, 1), format=DocumentFormat.JSON, limits=LIMITS)
    except Rejected:
        return
    with reading:
        assert_storable(reading)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
