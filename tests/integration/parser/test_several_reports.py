"""A file with several reports: one mail, one event, and a document of its own for each report."""

from parser.handler import ParserHandler
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import rows, values
from tests.support.reparsing import new_reparser, reparsed
from tests.support.reports import METADATA, report_xml

ANOTHER = report_xml(metadata=METADATA.replace("r-1", "r-2"))


async def test_every_report_of_a_file_is_stored_with_a_line_and_bytes_of_its_own(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(1, report_xml() + ANOTHER)])

    documents = await rows(postgres, "SELECT id, path, outcome, report, bytes, repairs FROM document ORDER BY path")
    [lines] = await values(postgres, "SELECT lines FROM mail")
    assert [(row["path"], row["outcome"]) for row in documents] == [
        ("1/report/1", "stored"),
        ("1/report/2", "stored"),
    ]
    assert all(row["bytes"] and row["report"] == row["id"] and "one-of-several" in row["repairs"] for row in documents)
    assert [(line["path"], line["outcome"]) for line in lines] == [("1/report/1", "stored"), ("1/report/2", "stored")]
    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]
    assert await values(postgres, "SELECT report_id FROM report ORDER BY report_id") == ["r-1", "r-2"]


async def test_a_report_that_is_twice_in_a_file_is_stored_once(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml() * 2)])

    assert sorted(await values(postgres, "SELECT outcome FROM document")) == ["duplicate", "stored"]
    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]
    assert await values(postgres, "SELECT count(*) FROM report") == [1]


async def test_the_good_report_of_a_file_is_stored_where_the_other_one_is_damaged(
    parser: ParserHandler, postgres: Database
) -> None:
    await parser([extracted(1, report_xml() + ANOTHER[:-200])])

    documents = await rows(postgres, "SELECT outcome, reason FROM document ORDER BY path")
    assert [tuple(row.values()) for row in documents] == [("stored", None), ("refused", "records_lost")]
    assert await values(postgres, "SELECT outcome FROM mail") == ["imported"]


async def test_a_mail_with_such_a_file_is_not_read_again(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml() + ANOTHER)])
    await parser([extracted(1, report_xml() + ANOTHER)])

    assert await values(postgres, "SELECT count(*) FROM document") == [2]


async def test_reading_such_documents_again_changes_nothing(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml() + ANOTHER)])
    before = await rows(postgres, "SELECT path, outcome, report, repairs FROM document ORDER BY path")

    changes = await reparsed(new_reparser(postgres), postgres)

    assert changes == {"same": 2}
    assert await rows(postgres, "SELECT path, outcome, report, repairs FROM document ORDER BY path") == before
