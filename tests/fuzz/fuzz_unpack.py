"""Fuzz the unpacking of a file: `python tests/fuzz/fuzz_unpack.py -max_total_time=300 [CORPUS]` (needs `atheris`)."""

import gzip
import sys

import atheris

with atheris.instrument_imports(include=["extractor"]):
    from extractor.find import find_in_file
    from pipeline.contracts.limits import Limits
    from pipeline.contracts.mailbox import AttachmentRules

LIMITS = Limits(max_uncompressed_bytes=4_000_000, max_members=50, max_parts=50)
RULES = AttachmentRules()


def one_input(data: bytes) -> None:
    """Unpack the bytes as a file; every document must be one readable gzip member of the size that it claims."""
    found = find_in_file(data, name="", rules=RULES, limits=LIMITS)
    for document, blob in zip(found.documents, found.blobs, strict=True):
        if len(gzip.decompress(blob)) != document.size:
            raise AssertionError(document)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
