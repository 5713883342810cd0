"""A report that was read is gone from memory when it is let go, and not only when somebody looks for cycles."""

import gc

from tests.support.reports import RECORD, read_xml, report_xml


def test_reading_a_report_leaves_nothing_to_look_for() -> None:
    document = report_xml(records=RECORD * 5)
    read_xml(document)
    gc.collect()
    gc.disable()
    try:
        read_xml(document)
        assert gc.collect() == 0
    finally:
        gc.enable()
