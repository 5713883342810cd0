"""What every reading must be, whatever it was made from: storable in PostgreSQL, printable as JSON, bounded."""

import json
from collections.abc import Iterator
from typing import Any

from parser.kinds.reading import Reading
from parser.line import as_json
from pipeline.contracts.report import AggregateReport

BIGINT = range(-(2**63), 2**63)
MAX_SAMPLE_BYTES = 64 * 1024


def assert_storable(reading: Reading) -> None:
    """Every text without NUL and lone surrogates, every number within 63 bits, rows and header agreeing."""
    report = reading.report
    whole = as_json(reading)
    json.dumps(whole)
    for value in _leaves(whole):
        if isinstance(value, str):
            assert "\0" not in value
            assert len(value.encode()) <= MAX_SAMPLE_BYTES
        elif isinstance(value, int):
            assert value in BIGINT
    assert 0 < report.begin <= report.end
    assert report.report_id
    assert len(reading.rows) <= report.records or not isinstance(report, AggregateReport)
    if isinstance(report, AggregateReport):
        assert report.domain
        assert sum(row.count for row in reading.rows) == report.messages


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _leaves(child)
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child)
    else:
        yield value
