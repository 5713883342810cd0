"""What could still be seen in a refused document goes with the mail: into its lines, and with the dead letter."""

from parser.handler import ParserHandler
from pipeline.contracts.dead_letter import MAX_SALVAGED_LENGTH, SALVAGED, dead_letters, history_of
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import encode
from pipeline.errors import Dead, Rejected
from pipeline.postgres.connection import Database
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import values
from tests.support.reports import RECORD, report_xml

CUT_OFF = report_xml(records=RECORD * 3)[:-300]


async def test_it_is_in_the_line_and_with_the_rejection_also_of_a_repeat(
    parser: ParserHandler, postgres: Database
) -> None:
    [first] = await parser([extracted(1, CUT_OFF)])
    [again] = await parser([extracted(1, CUT_OFF)])

    assert isinstance(first, Rejected)
    assert isinstance(again, Rejected)
    assert (first.salvaged["org_name"], first.salvaged["report_id"]) == ("Example Receiver", "r-1")
    assert first.salvaged["records"] == "2"
    assert again.salvaged == first.salvaged
    assert await values(postgres, "SELECT lines -> 0 -> 'salvaged' FROM mail") == [first.salvaged]


def letter_of(salvaged: dict[str, str]) -> dict[str, str]:
    verdict = Dead.of(Rejected(Reason.RECORDS_LOST, salvaged=salvaged))
    return dead_letters(encode(extracted(1, CUT_OFF)), verdict, consumer="parser", deliveries=1)[0].headers


def test_it_is_read_out_of_the_dead_letters_headers() -> None:
    salvaged = {"org_name": "Grüße, “Firma”\n", "domain": "example.com"}
    headers = letter_of(salvaged)

    assert history_of(headers).salvaged == salvaged
    assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_nothing_and_too_much_are_left_out() -> None:
    assert SALVAGED not in letter_of({})
    assert SALVAGED not in letter_of({"org_name": "x" * MAX_SALVAGED_LENGTH})
    assert history_of({SALVAGED: "no JSON"}).salvaged == {}
