"""What other tools kept, as report documents: what `dmarq import` reads beside emails and reports.

Nothing here knows the pipeline. Each tool's rows become documents that go the way of all others: there is one parser.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from dmarq.foreign.document import Found
from dmarq.foreign.dump import is_dump, of_dump
from dmarq.foreign.parsedmarc import of_values
from dmarq.foreign.table import kind_of_table, of_table
from dmarq.foreign.values import values

START_BYTES: Final = 16 * 1024
_ENTRY: Final = re.compile(
    r'[\s\[{]*"(?:xml_schema|xml_namespace|report_metadata|\w{1,40}_reports|organization_name|feedback_type)"\s*:'
)


def found_in(file: BinaryIO, *, name: str) -> Iterator[Found] | None:
    """The reports in a file of another tool; None where it is no such file, which is then at its beginning again."""
    start = file.read(START_BYTES)
    file.seek(0)
    text = start.decode("utf-8-sig", "replace")
    if _ENTRY.match(text):
        return of_values(values(file), name=name)
    kind = kind_of_table(text.partition("\n")[0])
    if kind:
        return of_table(file, kind, name=name)
    return of_dump(file, name=name) if is_dump(start) else None
