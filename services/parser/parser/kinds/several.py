"""Several whole reports in one file: each becomes a document of its own, with its own bytes, number and outcome."""

import gzip
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from pipeline.contracts.mail import DocumentInfo
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

MAX_REPORTS: Final = 1000  # in one file


class SeveralReports(Rejected):
    """A document that is no report but several; `parts` are their texts, `repairs` what it took to find them.

    As a refusal it stands where nothing can be made of several documents: reading one stored document again.
    """

    def __init__(self, parts: Iterable[str], repairs: Iterable[Repair] = ()) -> None:
        """Raises Rejected where there are more of them than `MAX_REPORTS`."""
        self.parts = tuple(parts)
        self.repairs = tuple(sorted(repairs))
        if len(self.parts) > MAX_REPORTS:
            raise Rejected(Reason.TOO_MANY_MEMBERS, f"more than {MAX_REPORTS} reports in one file")
        super().__init__(Reason.AMBIGUOUS_REPORT, f"{len(self.parts)} reports in one file")


def separated(info: DocumentInfo, several: SeveralReports) -> list[tuple[DocumentInfo, bytes]]:
    """The documents (one gzip member each) of a file with several; their paths are numbered below that of the file."""
    return [_own(info, number, text.encode(), several) for number, text in enumerate(several.parts, start=1)]


def _own(info: DocumentInfo, number: int, data: bytes, several: SeveralReports) -> tuple[DocumentInfo, bytes]:
    changes = {
        "path": f"{info.path}/{number}",
        "size": len(data),
        "sha256": sha256(data).hexdigest(),
        "repairs": tuple(dict.fromkeys((*info.repairs, Repair.ONE_OF_SEVERAL, *several.repairs))),
    }
    return info.model_copy(update=changes), gzip.compress(data, 1, mtime=0)
