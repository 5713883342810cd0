"""Fuzz a reader of reports (needs `atheris`): xml for aggregate, json for SMTP TLS, arf for failure reports.

python tests/fuzz/fuzz_report.py xml -max_total_time=60 [CORPUS]
"""

import gzip
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["parser"]):
    from parser.kinds.registry import read
    from pipeline.contracts.limits import Limits
    from pipeline.contracts.mail import DocumentFormat
    from pipeline.errors import Rejected
    from tests.support.both_ways import said, said_through_the_tree
    from tests.support.storable import assert_storable

FORMATS = tuple(DocumentFormat)
LIMITS = Limits(max_uncompressed_bytes=1_000_000)


def fuzzed(form: DocumentFormat, data: bytes) -> None:
    """Read the bytes: what comes out must be storable, what does not must have been refused.

    An aggregate report must say the same whether records are taken out of the text or read through the tree; the first
    time it is read its shapes may be new.
    """
    if form is DocumentFormat.XML:
        through_the_tree = said_through_the_tree(data, limits=LIMITS)
        assert [said(data, limits=LIMITS) for _ in range(2)] == [through_the_tree] * 2
    try:
        reading = read(gzip.compress(data, 1), format=form, limits=LIMITS)
    except Rejected:
        return
    with reading:
        assert_storable(reading)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in FORMATS:
        sys.exit(f"say which: {' '.join(FORMATS)}")
    chosen = DocumentFormat(sys.argv.pop(1))
    atheris.Setup(sys.argv, lambda data: fuzzed(chosen, data))
    atheris.Fuzz()
